// Host field and authority (RFC 9112 section 3.2, URL-7).
#include <cstring>

#include "portable/cooked_url.h"
#include "portable/host_name.h"
#include "portable/socket_headers.h"
#include "portable/utf8.h"

namespace httpsys {
namespace {

constexpr size_t kHostBytesMax = 255;  // RFC 1035 section 2.3.4
constexpr size_t kAddressTextMax = 63;
constexpr uint8_t kMappedHead[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

bool parsePort(std::string_view text, uint16_t* port) {
  *port = 0;
  if (text.empty()) return true;  // "name:" is a name without a port (RFC 3986 section 3.2.3)
  if (text.size() > 5) return false;
  uint32_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<uint32_t>(c - '0');
  }
  if (value == 0 || value > 65535) return false;
  *port = static_cast<uint16_t>(value);
  return true;
}

struct NameChars {
  bool allowed[128] = {};
  constexpr NameChars() {
    for (int c = '0'; c <= '9'; c++) allowed[c] = true;
    for (int c = 'a'; c <= 'z'; c++) allowed[c] = allowed[c - 32] = true;
    allowed['-'] = allowed['.'] = allowed['_'] = allowed['~'] = true;
  }
};
constexpr NameChars kNameChars;

}  // namespace

bool splitHost(std::string_view host, std::string_view* name, uint16_t* port) {
  *name = host;
  *port = 0;
  if (host.empty()) return true;
  if (host[0] == '[') {
    const size_t close = host.find(']');
    if (close == std::string_view::npos) return false;
    *name = host.substr(1, close - 1);
    AddressKey key;
    if (name->find(':') == std::string_view::npos || name->find('%') != std::string_view::npos) return false;
    if (!parseAddress(*name, &key) || key.mapped) return false;
    const std::string_view rest = host.substr(close + 1);
    return rest.empty() || (rest[0] == ':' && parsePort(rest.substr(1), port));
  }
  size_t i = 0;
  bool wide = false;
  for (; i < host.size() && host[i] != ':'; i++) {
    const unsigned char c = static_cast<unsigned char>(host[i]);
    if (c >= 0x80) {
      wide = true;
    } else if (!kNameChars.allowed[c]) {
      return false;
    }
  }
  *name = host.substr(0, i);
  if (i == 0 || i > kHostBytesMax) return false;
  if (wide) {
    for (size_t at = 0; at < i;) {
      uint32_t c = 0;
      const size_t length = decodeUtf8(*name, at, &c);
      if (length == 0 || (c >= 0x80 && c <= 0x9F)) return false;
      at += length;
    }
  }
  return i == host.size() || parsePort(host.substr(i + 1), port);
}

bool parseAddress(std::string_view text, AddressKey* out) {
  const size_t zone = text.find('%');
  if (zone != std::string_view::npos) text = text.substr(0, zone);
  if (text.empty() || text.size() > kAddressTextMax) return false;
  char copy[kAddressTextMax + 1];
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = 0;
  out->mapped = false;
  if (inet_pton(AF_INET, copy, out->bytes + 12) == 1) {
    std::memcpy(out->bytes, kMappedHead, sizeof kMappedHead);
    return true;
  }
  if (inet_pton(AF_INET6, copy, out->bytes) != 1) return false;
  out->mapped = std::memcmp(out->bytes, kMappedHead, sizeof kMappedHead) == 0;
  return true;
}

}  // namespace httpsys
