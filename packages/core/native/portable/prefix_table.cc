#include "portable/prefix_table.h"

#include <cstring>
#include <list>

#include "portable/cooked_url.h"
#include "portable/fold_case.h"
#include "portable/host_name.h"
#include "portable/prefix_bucket.h"

namespace httpsys {
namespace {

uint64_t portKey(bool https, uint32_t port) { return (uint64_t{https} << 32) | port; }

constexpr size_t kHostBytesMax = 255;  // splitHost lets nothing longer through

std::string addressText(std::string_view text) {
  AddressKey key;
  if (!parseAddress(text, &key)) return std::string();
  return std::string(reinterpret_cast<const char*>(key.bytes), sizeof key.bytes);
}

}  // namespace

struct PrefixTable::Port {
  PrefixBucket strong;
  PrefixBucket weak;
  std::list<PrefixBucket> hosts;  // stable addresses for the maps below
  std::list<std::string> names;   // own the text of the maps' keys
  std::unordered_map<std::string_view, PrefixBucket*> exact;
  std::unordered_map<std::string_view, PrefixBucket*> below;  // "*.name", by "name"
  std::unordered_map<std::string_view, PrefixBucket*> addresses;

  // The bucket of a name, reachable by its Unicode and its ASCII spelling.
  PrefixBucket* bucketOf(std::unordered_map<std::string_view, PrefixBucket*>* map, std::string name, bool isName) {
    const auto found = map->find(name);
    if (found != map->end()) return found->second;
    PrefixBucket* bucket = nullptr;
    const std::string ascii = isName ? toAsciiHost(name) : std::string();
    if (!ascii.empty()) {
      const auto other = map->find(ascii);
      if (other != map->end()) bucket = other->second;
    }
    if (bucket == nullptr) bucket = &hosts.emplace_back();
    if (!ascii.empty()) map->emplace(names.emplace_back(ascii), bucket);
    map->emplace(names.emplace_back(std::move(name)), bucket);
    return bucket;
  }
};

PrefixTable::~PrefixTable() = default;

PrefixTable::PrefixTable(std::vector<UrlEntry> entries) : entries_(std::move(entries)) {
  for (const UrlEntry& entry : entries_) {
    if (entry.path.empty() || entry.path.front() != '/' || entry.path.back() != '/') continue;
    std::unique_ptr<Port>& port = ports_[portKey(entry.https, entry.port)];
    if (!port) port = std::make_unique<Port>();
    switch (entry.kind) {
      case HostKind::kStrong:
        port->strong.add(&entry);
        break;
      case HostKind::kWeak:
        port->weak.add(&entry);
        break;
      case HostKind::kExplicit:
        if (entry.host.size() > 2 && entry.host[0] == '*' && entry.host[1] == '.') {
          port->bucketOf(&port->below, entry.host.substr(2), true)->add(&entry);
        } else {
          port->bucketOf(&port->exact, entry.host, true)->add(&entry);
        }
        break;
      case HostKind::kIp: {
        std::string key = addressText(entry.host);
        if (!key.empty()) port->bucketOf(&port->addresses, std::move(key), false)->add(&entry);
        break;
      }
    }
  }
  for (auto& item : ports_) {
    item.second->strong.seal();
    item.second->weak.seal();
    for (PrefixBucket& bucket : item.second->hosts) bucket.seal();
  }
}

RouteResult PrefixTable::route(bool https, uint32_t port, std::string_view localAddress, std::string_view hostHeader,
                               std::string_view path) const {
  RouteResult result;
  std::string_view name;
  uint16_t hostPort = 0;
  if (!splitHost(hostHeader, &name, &hostPort)) return result;
  const auto at = ports_.find(portKey(https, port));
  if (at == ports_.end()) return result;
  const Port& table = *at->second;
  if (path.empty() || path == "*") path = "/";
  if (path.front() != '/') return result;

  // Each bucket that knows the host turns "no host" into "no path"; the first with a path decides (ROUTE-3).
  const auto consult = [&](const PrefixBucket& bucket) {
    if (bucket.empty()) return false;
    result.status = RouteStatus::kNoPath;
    result.entry = bucket.longest(path);
    if (result.entry == nullptr) return false;
    result.status = RouteStatus::kFound;
    return true;
  };

  if (consult(table.strong)) return result;
  if ((!table.exact.empty() || !table.below.empty()) && !name.empty() && (hostPort == 0 || hostPort == port)) {
    char folded[kHostBytesMax];
    size_t length = 0;
    while (length < name.size()) {
      unsigned char bytes[2];
      const size_t n = foldAt(name, length, bytes);
      std::memcpy(folded + length, bytes, n);
      length += n;
    }
    const std::string_view key(folded, length);
    const auto exact = table.exact.find(key);
    if (exact != table.exact.end() && consult(*exact->second)) return result;
    if (!table.below.empty()) {
      for (size_t dot = key.find('.'); dot != std::string_view::npos; dot = key.find('.', dot + 1)) {
        if (dot == 0) continue;
        const auto below = table.below.find(key.substr(dot + 1));
        if (below != table.below.end() && consult(*below->second)) return result;
      }
    }
  }
  if (!table.addresses.empty()) {
    AddressKey address;
    if (parseAddress(localAddress, &address)) {
      const auto bound = table.addresses.find(std::string_view(reinterpret_cast<const char*>(address.bytes), sizeof address.bytes));
      if (bound != table.addresses.end() && consult(*bound->second)) return result;
    }
  }
  consult(table.weak);
  return result;
}

}  // namespace httpsys
