// Byte classes of HTTP/1.x messages and the searches that a parser spends its time in: SSE2 where the target has it, else tables.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#if (defined(__SSE2__) || defined(_M_X64)) && !defined(HTTPSYS_NO_SIMD)
#define HTTPSYS_SSE2 1
#include <emmintrin.h>
#if defined(_MSC_VER)
#include <intrin.h>
#endif
#endif

namespace httpsys {
namespace bytes {

enum Class : uint8_t {
  kToken = 0x01,       // tchar (RFC 9110 section 5.6.2)
  kMethod = 0x02,      // tchar but for lower-case letters: HTTP.SYS refuses those in a verb
  kFieldValue = 0x04,  // HTAB, SP, VCHAR, obs-text (RFC 9110 section 5.5)
  kTarget = 0x08,      // what a request target may hold before its query: no controls, SP, DEL, '#', '?'
  kHost = 0x10,        // unreserved, sub-delims, '%', brackets and colon (RFC 3986 section 3.2.2)
  kDigit = 0x20,
  kUpper = 0x40,
};

constexpr std::array<uint8_t, 256> makeClasses() {
  std::array<uint8_t, 256> classes{};
  for (unsigned c = 0; c < 256; ++c) {
    uint8_t set = 0;
    const bool upper = c >= 'A' && c <= 'Z';
    const bool lower = c >= 'a' && c <= 'z';
    const bool digit = c >= '0' && c <= '9';
    bool token = upper || lower || digit;
    for (const char* p = "!#$%&'*+-.^_`|~"; *p; ++p) token = token || c == static_cast<unsigned char>(*p);
    bool host = upper || lower || digit;
    for (const char* p = "-._~!$&'()*+,;=%[]:"; *p; ++p) host = host || c == static_cast<unsigned char>(*p);
    if (token) set |= kToken;
    if (token && !lower) set |= kMethod;
    if (c == '\t' || (c >= 0x20 && c != 0x7f)) set |= kFieldValue;
    if (c > 0x20 && c != 0x7f && c != '#' && c != '?') set |= kTarget;
    if (host) set |= kHost;
    if (digit) set |= kDigit;
    if (upper) set |= kUpper;
    classes[c] = set;
  }
  return classes;
}
inline constexpr std::array<uint8_t, 256> kClasses = makeClasses();

inline bool is(char c, Class set) { return (kClasses[static_cast<uint8_t>(c)] & set) != 0; }

// First byte that is not of the class, or `end`.
inline const char* skip(const char* p, const char* end, Class set) {
  while (p != end && is(*p, set)) ++p;
  return p;
}

inline bool all(const char* p, const char* end, Class set) { return skip(p, end, set) == end; }

#if defined(HTTPSYS_SSE2)
inline unsigned firstBit(unsigned mask) {
#if defined(_MSC_VER)
  unsigned long at = 0;
  _BitScanForward(&at, mask);
  return static_cast<unsigned>(at);
#else
  return static_cast<unsigned>(__builtin_ctz(mask));
#endif
}

inline __m128i loadBytes(const char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }

// Bytes up to and including `top`, unsigned: SSE2 has only a signed comparison.
inline __m128i atMost(__m128i block, char top) {
  const __m128i limit = _mm_set1_epi8(top);
  return _mm_cmpeq_epi8(_mm_min_epu8(block, limit), block);
}
#endif

// First byte that cannot stand in a field value (CR, LF and other controls, DEL), or `end`.
inline const char* skipFieldValue(const char* p, const char* end) {
#if defined(HTTPSYS_SSE2)
  while (end - p >= 16) {
    const __m128i block = loadBytes(p);
    const __m128i control = _mm_andnot_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('\t')), atMost(block, 0x1f));
    const __m128i stop = _mm_or_si128(control, _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f)));
    const unsigned mask = static_cast<unsigned>(_mm_movemask_epi8(stop));
    if (mask != 0) return p + firstBit(mask);
    p += 16;
  }
#endif
  return skip(p, end, kFieldValue);
}

// First byte that ends the path of a target ('?', SP) or cannot stand in it, or `end`.
inline const char* skipTarget(const char* p, const char* end) {
#if defined(HTTPSYS_SSE2)
  while (end - p >= 16) {
    const __m128i block = loadBytes(p);
    const __m128i marks = _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('?')), _mm_cmpeq_epi8(block, _mm_set1_epi8('#')));
    const __m128i stop = _mm_or_si128(_mm_or_si128(marks, atMost(block, 0x20)), _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f)));
    const unsigned mask = static_cast<unsigned>(_mm_movemask_epi8(stop));
    if (mask != 0) return p + firstBit(mask);
    p += 16;
  }
#endif
  return skip(p, end, kTarget);
}

// A colon within the next 48 bytes when they can be read in whole blocks, else nullptr: known names are shorter than that.
inline const char* nearColon(const char* p, const char* end) {
#if defined(HTTPSYS_SSE2)
  for (int block = 0; block < 3 && end - p >= 16; ++block, p += 16) {
    const unsigned mask = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(loadBytes(p), _mm_set1_epi8(':'))));
    if (mask != 0) return p + firstBit(mask);
  }
#else
  (void)p;
  (void)end;
#endif
  return nullptr;
}

inline bool isBlank(char c) { return c == ' ' || c == '\t'; }

}  // namespace bytes
}  // namespace httpsys
