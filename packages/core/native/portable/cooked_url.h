// The cooked URL: the canonical path by which requests are routed and cached (ROUTE-10, PARSE-5, PARSE-6). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace httpsys {

struct CookedPathLimits {
  uint32_t segmentCount = 255;   // UrlSegmentMaxCount
  uint32_t segmentLength = 260;  // UrlSegmentMaxLength, UTF-16 units; 0 = no limit
};

// Percent-decodes, turns '\' into '/', collapses "//", then removes dot segments (in this order: ROUTE-10). False: 400 Invalid URL.
// When the path is already canonical `*out` is the input view and `scratch` is untouched (the common case costs one scan).
// An empty path is "/" (PARSE-4); "*" stays "*" (ROUTE-12); anything else must begin with '/'.
//
// Escaped bytes that are not UTF-8 as a whole are read as windows-1252 (PARSE-6); an escape of U+0000 to U+001F or U+007F to U+009F is
// refused in either reading, which is what makes %F0%8F%8F%BF a 400 and lets %C0%A4 pass (PARSE-5). An overlong form never yields ASCII.
//
// `*ambiguous`, when given, tells that an application looking at the raw target may see another resource than the cooked path names: the
// structure changed (escaped or doubled slash, backslash, dot segment), %u or windows-1252 was used, or a character was escaped without
// need. Answers to such requests should be neither stored nor served from the output cache, else one URL could poison another's entry.
bool cookPath(std::string_view path, const CookedPathLimits& limits, std::string* scratch, std::string_view* out,
    bool* ambiguous = nullptr);

// Splits "name:port", "name", "[v6]:port" of a Host field or authority. False: 400 Invalid Hostname. Port 0 when absent.
// The name of a literal comes without brackets. An empty text is a valid empty name (RFC 9112 section 3.2). IPv4-mapped literals are
// refused (URL-7), as is whatever is not letters, digits, '-', '.', '_', '~' or UTF-8: a wildcard or a user part is never a host.
bool splitHost(std::string_view host, std::string_view* name, uint16_t* port);

// Folds a UTF-8 string for comparison without case as the prefix table does; src/prefix/fold.ts must give the same result.
void foldCase(std::string_view in, std::string* out);

}  // namespace httpsys
