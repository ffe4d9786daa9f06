// The cooked URL: the canonical path by which requests are routed and cached (ROUTE-10, PARSE-5, PARSE-6). Pure.
#pragma once

#include <string>
#include <string_view>

namespace httpsys {

struct CookedPathLimits {
  uint32_t segmentCount = 255;   // UrlSegmentMaxCount
  uint32_t segmentLength = 260;  // UrlSegmentMaxLength, characters
};

// Percent-decodes, turns '\' into '/', collapses "//", then removes dot segments (in this order: ROUTE-10). False: 400 Invalid URL.
// When the path is already canonical `*out` is the input view and `scratch` is untouched (the common case costs one scan).
bool cookPath(std::string_view path, const CookedPathLimits& limits, std::string* scratch, std::string_view* out);

// Splits "name:port", "name", "[v6]:port" of a Host field or authority. False: 400 Invalid Hostname. Port 0 when absent.
bool splitHost(std::string_view host, std::string_view* name, uint16_t* port);

// Folds a UTF-8 string for comparison without case as the prefix table does; src/prefix/fold.ts must give the same result.
void foldCase(std::string_view in, std::string* out);

}  // namespace httpsys
