// HTTP dates (RFC 9110 section 5.6.7): IMF-fixdate for what is sent, all three formats for what is received. Pure: no clock, no locale.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace httpsys {

inline constexpr size_t kHttpDateBytes = 29;
// The last second of the year 9999: four digits end there.
inline constexpr int64_t kHttpDateSecondsMax = 253402300799;

// Writes "Sun, 06 Nov 1994 08:49:37 GMT", kHttpDateBytes characters without a terminator. `unixSeconds` is clamped to 1970..9999.
void formatHttpDate(int64_t unixSeconds, char* out);

// Seconds since 1970, or false for anything that is not a date of one of the three formats, names and numbers checked. The two digits of a
// year in the RFC 850 format are read as the year that is not more than 50 years after `nowSeconds`.
bool parseHttpDate(std::string_view text, int64_t nowSeconds, int64_t* unixSeconds);

}  // namespace httpsys
