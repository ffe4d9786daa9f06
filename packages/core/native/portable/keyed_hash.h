// SipHash-1-3 with a secret key: clients choose the text of cache keys, so an unkeyed hash would let them pile entries into one chain.
#pragma once

#include <cstdint>
#include <string_view>

namespace httpsys {

inline uint64_t keyedHash(const uint64_t key[2], std::string_view text) {
  uint64_t a = key[0] ^ 0x736f6d6570736575ull;
  uint64_t b = key[1] ^ 0x646f72616e646f6dull;
  uint64_t c = key[0] ^ 0x6c7967656e657261ull;
  uint64_t d = key[1] ^ 0x7465646279746573ull;
  const auto turn = [](uint64_t x, int n) { return (x << n) | (x >> (64 - n)); };
  const auto round = [&] {
    a += b, c += d;
    b = turn(b, 13) ^ a, d = turn(d, 16) ^ c;
    a = turn(a, 32);
    c += b, a += d;
    b = turn(b, 17) ^ c, d = turn(d, 21) ^ a;
    c = turn(c, 32);
  };
  const auto word = [&](size_t at, size_t bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) value |= static_cast<uint64_t>(static_cast<unsigned char>(text[at + i])) << (8 * i);
    return value;
  };
  size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    const uint64_t m = word(at, 8);
    d ^= m;
    round();
    a ^= m;
  }
  const uint64_t last = word(at, text.size() - at) | (static_cast<uint64_t>(text.size()) << 56);
  d ^= last;
  round();
  a ^= last;
  c ^= 0xFF;
  for (int i = 0; i < 3; i++) round();
  return a ^ b ^ c ^ d;
}

}  // namespace httpsys
