#include "portable/cached_answer.h"

#include <vector>

#include "portable/byte_ranges.h"
#include "portable/conditional.h"
#include "portable/field_text.h"

namespace httpsys {
namespace {

void appendField(std::string_view name, std::string_view value, std::string* out) {
  out->append(name).append(": ").append(value).append("\r\n");
}

void answerPartial(const CachedResponse& entry, const std::vector<ByteRange>& ranges, CachedAnswer* answer) {
  answer->status = 206;
  answer->ownHead = "HTTP/1.1 206 Partial Content\r\n";
  if (ranges.size() == 1) {
    appendFieldsExcept(entry.head, {"content-length", "content-range"}, &answer->ownHead);
    appendField("Content-Range", contentRange(ranges[0], entry.body.size()), &answer->ownHead);
    answer->body = std::string_view(entry.body).substr(ranges[0].first, ranges[0].length());
  } else {
    MultipartBody multipart = composeMultipart(entry.body, entry.contentType, ranges);
    appendFieldsExcept(entry.head, {"content-length", "content-range", "content-type"}, &answer->ownHead);
    appendField("Content-Type", "multipart/byteranges; boundary=" + multipart.boundary, &answer->ownHead);
    answer->ownBody = std::move(multipart.body);
    answer->body = answer->ownBody;
  }
  appendField("Content-Length", std::to_string(answer->body.size()), &answer->ownHead);
  answer->head = answer->ownHead;
}

}  // namespace

void answerFromEntry(const CachedResponse& entry, const CacheRequestFields& request, CachedAnswer* answer) {
  answer->status = entry.status;
  answer->head = entry.plain;
  answer->body = entry.body;
  if (entry.status != 200) return;
  if (isNotModified(request.ifNoneMatch, request.ifModifiedSince, entry.etag, entry.lastModified, request.nowSeconds)) {
    answer->status = 304;
    answer->ownHead = "HTTP/1.1 304 Not Modified\r\n";
    appendNotModifiedFields(entry.head, &answer->ownHead);
    answer->head = answer->ownHead;
    answer->body = std::string_view();
    return;
  }
  if (request.range.empty() || !ifRangeHolds(request.ifRange, entry.etag, entry.lastModified, request.nowSeconds)) return;
  std::vector<ByteRange> ranges;
  switch (parseRange(request.range, entry.body.size(), &ranges)) {
    case RangeOutcome::kWhole:
      return;
    case RangeOutcome::kPartial:
      if (ranges.size() > 1 && entry.body.size() > kMultipartBytesMax) return;
      answerPartial(entry, ranges, answer);
      return;
    case RangeOutcome::kUnsatisfiable:
      // The representation's own fields do not describe this answer (RFC 9110 section 15.5.17).
      answer->status = 416;
      answer->ownHead = "HTTP/1.1 416 Range Not Satisfiable\r\n";
      appendField("Content-Range", unsatisfiedRange(entry.body.size()), &answer->ownHead);
      appendField("Content-Length", "0", &answer->ownHead);
      answer->head = answer->ownHead;
      answer->body = std::string_view();
      return;
  }
}

}  // namespace httpsys
