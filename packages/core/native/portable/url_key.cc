#include "portable/url_key.h"

#include <cstdint>

#include "portable/cache.h"
#include "portable/cooked_url.h"
#include "portable/host_name.h"

namespace httpsys {

bool urlKey(std::string_view url, std::string* key) {
  const bool https = url.substr(0, 8) == "https://";
  if (!https && url.substr(0, 7) != "http://") return false;
  url.remove_prefix(https ? 8 : 7);
  const size_t end = url.find_first_of("/?");
  std::string_view authority = url.substr(0, end);
  std::string_view rest = end == std::string_view::npos ? std::string_view() : url.substr(end);
  std::string_view query;
  const size_t mark = rest.find('?');
  if (mark != std::string_view::npos) {
    query = rest.substr(mark);
    rest = rest.substr(0, mark);
  }
  std::string scratch;
  std::string_view path;
  if (!cookPath(rest, CookedPathLimits(), &scratch, &path)) return false;
  std::string_view name;
  uint16_t port = 0;
  std::string host(authority);
  // A wildcard stands for every name in a flush, though no client may send it.
  const bool wildcard = !host.empty() && (host[0] == '*' || host[0] == '+');
  if (wildcard) host[0] = 'x';
  if (!splitHost(host, &name, &port)) return false;
  Cache::makeKey(https, wildcard ? std::string_view("*") : name, port != 0 ? port : (https ? 443 : 80), path, query, key);
  return true;
}

}  // namespace httpsys
