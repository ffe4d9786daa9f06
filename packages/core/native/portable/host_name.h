// Host names and addresses in the one form in which they are compared.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace httpsys {

// An address as 16 bytes; IPv4 in its IPv4-mapped form, so that both spellings of one address are equal.
struct AddressKey {
  uint8_t bytes[16];
  bool mapped;  // the text was an IPv4-mapped IPv6 address
};

// Takes IPv4 and IPv6 text, without brackets; a zone ("%eth0") is ignored. False when it is neither.
bool parseAddress(std::string_view text, AddressKey* out);

// The ASCII form of a Unicode host name (RFC 3492, "xn--"), which is what clients send. Empty when the name is ASCII already or no valid
// UTF-8.
std::string toAsciiHost(std::string_view name);

}  // namespace httpsys
