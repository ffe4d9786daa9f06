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
  std::string host;  // folded name, or address text without brackets, or "*.name" (URL-10); empty for + and *
  uint32_t port = 0;  // above 65535: the route key of a listener that shares its address with nobody
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
  // Of entries with the same bucket, host, port and path the first counts; the control plane refuses the others (URL-20).
  explicit PrefixTable(std::vector<UrlEntry> entries);
  ~PrefixTable();
  PrefixTable(const PrefixTable&) = delete;
  PrefixTable& operator=(const PrefixTable&) = delete;

  // `port` (or the listener's route key) and `localAddress` (text, as UrlEntry::host of kIp) are the connection's own; `hostHeader` as it came (may be empty for
  // HTTP/1.0); `path` is cooked, not folded; "*" and the empty path are routed as "/" (ROUTE-12). Allocates nothing.
  //
  // An explicit name wants the Host's port equal to the prefix's or absent (ROUTE-9); the wildcard buckets ignore it, because clients
  // behind a port forward name the port they see. "*.name" stands for every name below, however deep, after the exact name, longest first
  // (URL-10). kNoHost: malformed Host, or no bucket of this port knows it. kNoPath: some bucket does, and none of them has a prefix of the
  // path.
  RouteResult route(bool https, uint32_t port, std::string_view localAddress, std::string_view hostHeader,
                    std::string_view path) const;

  const std::vector<UrlEntry>& entries() const { return entries_; }

 private:
  struct Port;
  std::vector<UrlEntry> entries_;
  std::unordered_map<uint64_t, std::unique_ptr<Port>> ports_;  // by portKey()
};

}  // namespace httpsys
