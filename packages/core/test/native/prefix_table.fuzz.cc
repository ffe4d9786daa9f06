// Routing of hostile Host fields and paths over a table with few and one with many prefixes: both give the same answer, and a found prefix
// does cover the path. Input: Host field, newline, path.
#include "portable/prefix_table.h"

#include <string>
#include <string_view>

#include "fuzz.h"
#include "portable/cooked_url.h"

using namespace httpsys;

namespace {

std::vector<UrlEntry> makeEntries(size_t extra) {
  std::vector<UrlEntry> list;
  const auto add = [&](HostKind kind, const char* host, std::string path) {
    UrlEntry entry;
    entry.kind = kind;
    entry.host = host;
    entry.port = 80;
    entry.path = std::move(path);
    entry.urlContext = static_cast<uint32_t>(list.size());
    list.push_back(std::move(entry));
  };
  add(HostKind::kStrong, "", "/strong/");
  add(HostKind::kExplicit, "h.example", "/");
  add(HostKind::kExplicit, "h.example", "/a/b/");
  add(HostKind::kExplicit, "*.example", "/caf\xC3\xA9/");
  add(HostKind::kIp, "127.0.0.1", "/ip/");
  add(HostKind::kWeak, "", "/a/");
  add(HostKind::kWeak, "", "/a/b/c/");
  // Longer than what a fuzzer writes, so that they change the way of the search and not its result.
  for (size_t i = 0; i < extra; i++) {
    for (const HostKind kind : {HostKind::kStrong, HostKind::kWeak}) add(kind, "", "/" + std::string(60, '~') + std::to_string(i) + "/");
    add(HostKind::kExplicit, "h.example", "/" + std::string(60, '~') + std::to_string(i) + "/");
  }
  return list;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const PrefixTable few(makeEntries(0));
  static const PrefixTable many(makeEntries(20));
  const ExactCopy copy(reinterpret_cast<const char*>(data), size);
  const std::string_view text(copy.data(), copy.size());
  const size_t line = text.find('\n');
  const std::string_view host = text.substr(0, line);
  const std::string_view path = line == std::string_view::npos ? std::string_view("/") : text.substr(line + 1);
  const RouteResult one = few.route(false, 80, "127.0.0.1", host, path);
  const RouteResult other = many.route(false, 80, "127.0.0.1", host, path);
  if (path.find("~~~~") == std::string_view::npos) {
    FUZZ_CHECK(one.status == other.status);
    FUZZ_CHECK(one.entry == nullptr || one.entry->urlContext == other.entry->urlContext);
  }
  FUZZ_CHECK((one.status == RouteStatus::kFound) == (one.entry != nullptr));
  if (one.entry != nullptr) {
    std::string folded;
    foldCase(path, &folded);
    if (folded.empty() || folded == "*") folded = "/";
    if (folded.back() != '/') folded += '/';
    FUZZ_CHECK(folded.compare(0, one.entry->path.size(), one.entry->path) == 0);
  }
  std::string_view name;
  uint16_t port = 0;
  if (!splitHost(host, &name, &port)) FUZZ_CHECK(one.status == RouteStatus::kNoHost);
  return 0;
}
