#include "portable/fold_case.h"

#include "portable/cooked_url.h"

namespace httpsys {

uint32_t foldCodePoint(uint32_t c) {
  if (c < 0xC0) return c;
  if (c <= 0xDE) return c == 0xD7 ? c : c + 32;
  if (c < 0x100) return c;
  if (c <= 0x17F) {
    // Dotted capital I has no single small letter, 0x131, 0x138, 0x149 and 0x17F are small letters between the pairs.
    if (c == 0x130 || c == 0x131 || c == 0x138 || c == 0x149 || c == 0x17F) return c;
    if (c == 0x178) return 0xFF;
    const bool oddIsCapital = (c >= 0x139 && c <= 0x148) || c >= 0x179;
    return (c & 1) == (oddIsCapital ? 1u : 0u) ? c + 1 : c;
  }
  if (c < 0x386) return c;
  if (c <= 0x3AB) {
    if (c == 0x386) return 0x3AC;
    if (c >= 0x388 && c <= 0x38A) return c + 37;
    if (c == 0x38C) return 0x3CC;
    if (c == 0x38E || c == 0x38F) return c + 63;
    return c >= 0x391 && c != 0x3A2 ? c + 32 : c;
  }
  if (c >= 0x400 && c <= 0x40F) return c + 80;
  if (c >= 0x410 && c <= 0x42F) return c + 32;
  return c;
}

bool equalsFolded(std::string_view folded, std::string_view text) {
  if (folded.size() != text.size()) return false;
  size_t i = 0;
  while (i < text.size()) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    if (c < 0x80) {
      if (foldAscii(c) != static_cast<unsigned char>(folded[i])) return false;
      i++;
      continue;
    }
    unsigned char bytes[2];
    const size_t n = foldAt(text, i, bytes);
    for (size_t k = 0; k < n; k++) {
      if (bytes[k] != static_cast<unsigned char>(folded[i + k])) return false;
    }
    i += n;
  }
  return true;
}

void foldCase(std::string_view in, std::string* out) {
  out->resize(in.size());
  char* to = out->data();
  size_t i = 0;
  while (i < in.size()) {
    unsigned char bytes[2];
    const size_t n = foldAt(in, i, bytes);
    for (size_t k = 0; k < n; k++) to[i + k] = static_cast<char>(bytes[k]);
    i += n;
  }
}

}  // namespace httpsys
