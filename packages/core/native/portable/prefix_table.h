// Immutable snapshot of all registered URL prefixes and the routing rule (http-server-api.md section 2.2). Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace httpsys {

enum class HostKind : uint8_t { kStrong = 0, kExplicit = 1, kIp = 2, kWeak = 3 };  // the four buckets in order (ROUTE-1)

// One registered prefix; the text parts come parsed and folded from src/prefix.
struct UrlEntry {
  bool https = false;
  HostKind kind = HostKind::kStrong;
  std::string host;  // folded name, or address text, or "*.name" (URL-10); empty for + and *
  uint16_t port = 0;
  std::string path;  // folded, begins and ends with '/'
  uint32_t queueId = 0;
  uint32_t urlContext = 0;
};

enum class RouteStatus { kFound, kNoHost, kNoPath };  // kNoHost: 400 Hostname; kNoPath: 404

struct RouteResult {
  RouteStatus status = RouteStatus::kNoHost;
  const UrlEntry* entry = nullptr;
};

class PrefixTable {
 public:
  explicit PrefixTable(std::vector<UrlEntry> entries);

  // `port` and `localAddress` (text, as UrlEntry::host of kIp) are the connection's own; `hostHeader` as it came (may be empty for HTTP/1.0);
  // `path` is cooked, not folded.
  RouteResult route(bool https, uint16_t port, std::string_view localAddress, std::string_view hostHeader,
                    std::string_view path) const;

 private:
  struct Bucket;
  struct Port;
  std::vector<UrlEntry> entries_;
  std::unordered_map<uint32_t, std::shared_ptr<Port>> ports_;
};

}  // namespace httpsys
