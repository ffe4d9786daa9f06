// Simple case folding of names and paths (URL-1). Must be kept in step with src/prefix/fold.ts; test/fixtures/fold.txt holds both to one
// table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace httpsys {

inline constexpr unsigned char foldAscii(unsigned char c) { return c >= 'A' && c <= 'Z' ? static_cast<unsigned char>(c + 32) : c; }

// One code point of U+0080 to U+07FF: Latin-1, Latin Extended-A, Greek and Cyrillic capitals; every other one is itself.
// All results stay in that range, so folding never changes the length of a UTF-8 text and comparison can go byte by byte.
uint32_t foldCodePoint(uint32_t c);

// Folds the character at text[at]: writes its 1 or 2 bytes to `out` and returns how many. Bytes of longer or broken sequences are copied
// singly.
inline size_t foldAt(std::string_view text, size_t at, unsigned char out[2]) {
  const unsigned char c = static_cast<unsigned char>(text[at]);
  if (c < 0x80) {
    out[0] = foldAscii(c);
    return 1;
  }
  out[0] = c;
  if (c < 0xC2 || c > 0xDF || at + 1 >= text.size()) return 1;
  const unsigned char next = static_cast<unsigned char>(text[at + 1]);
  if ((next & 0xC0) != 0x80) return 1;
  const uint32_t folded = foldCodePoint((static_cast<uint32_t>(c & 0x1F) << 6) | (next & 0x3F));
  out[0] = static_cast<unsigned char>(0xC0 | (folded >> 6));
  out[1] = static_cast<unsigned char>(0x80 | (folded & 0x3F));
  return 2;
}

// Whether `text`, when folded, is `folded`. Allocates nothing.
bool equalsFolded(std::string_view folded, std::string_view text);

}  // namespace httpsys
