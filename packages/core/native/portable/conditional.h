// Conditional requests answered from a cache entry (RFC 9110 section 13, CACHE-27). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace httpsys {

// Whether 304 is the answer to a GET for a representation with these validators (each may be empty). If-None-Match compares weakly, takes a
// list or "*", and when present leaves If-Modified-Since unread, even if it is malformed (section 13.1.3). An invalid date is ignored.
// `nowSeconds` is the wall clock, for dates with two digits of the year.
bool isNotModified(std::string_view ifNoneMatch, std::string_view ifModifiedSince, std::string_view etag, std::string_view lastModified,
                   int64_t nowSeconds);

// Appends the fields of `head` (status line and "Name: value\r\n" lines) that a 304 carries: all but those that describe the body that is
// not sent. Section 15.4.5 asks for Cache-Control, Content-Location, Date, ETag, Expires and Vary; the application's own fields go along.
void appendNotModifiedFields(std::string_view head, std::string* out);

}  // namespace httpsys
