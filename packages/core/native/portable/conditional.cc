#include "portable/conditional.h"

#include "common/http_date.h"
#include "portable/field_text.h"

namespace httpsys {
namespace {

std::string_view withoutWeakMark(std::string_view tag) {
  if (tag.substr(0, 2) == "W/") tag.remove_prefix(2);
  return tag;
}

// Weak comparison with each member; a malformed list matches with what came before the fault.
bool anyMatches(std::string_view list, std::string_view etag) {
  const std::string_view ours = withoutWeakMark(etag);
  if (!isStrongEntityTag(ours)) return false;
  while (!list.empty()) {
    list = trimSpace(list);
    if (list.empty()) return false;
    if (list[0] == ',') {
      list.remove_prefix(1);
      continue;
    }
    list = withoutWeakMark(list);
    const size_t length = opaqueTagLength(list);
    if (length == 0) return false;
    if (list.substr(0, length) == ours) return true;
    list = trimSpace(list.substr(length));
    if (!list.empty() && list[0] != ',') return false;
  }
  return false;
}

}  // namespace

bool isNotModified(std::string_view ifNoneMatch, std::string_view ifModifiedSince, std::string_view etag, std::string_view lastModified,
                   int64_t nowSeconds) {
  if (!ifNoneMatch.empty()) return trimSpace(ifNoneMatch) == "*" || anyMatches(ifNoneMatch, etag);
  if (ifModifiedSince.empty() || lastModified.empty()) return false;
  int64_t since = 0;
  int64_t modified = 0;
  return parseHttpDate(ifModifiedSince, nowSeconds, &since) && parseHttpDate(lastModified, nowSeconds, &modified) && modified <= since;
}

void appendNotModifiedFields(std::string_view head, std::string* out) {
  appendFieldsExcept(head,
                     {"content-type", "content-length", "content-encoding", "content-language", "content-range", "content-md5",
                      "content-digest", "transfer-encoding", "trailer"},
                     out);
}

}  // namespace httpsys
