// What a request gets from a cache entry: everything, a part, 304 or 416. One place for the order of preconditions (RFC 9110 section
// 13.2.2).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "portable/cache.h"

namespace httpsys {

// The fields of a GET that select the answer, each empty when absent; as RequestHead has them.
struct CacheRequestFields {
  std::string_view ifNoneMatch;
  std::string_view ifModifiedSince;
  std::string_view range;
  std::string_view ifRange;
  int64_t nowSeconds = 0;  // wall clock, for dates with two digits of the year (RFC 9110 section 5.6.7)
};

struct CachedAnswer {
  uint16_t status = 200;
  // Status line and fields with Content-Length (where there is one); Date and Connection lines, CRLF and `body` follow. Into the entry or
  // `ownHead`.
  std::string_view head;
  std::string_view body;  // into the entry or `ownBody`
  std::string ownHead;
  std::string ownBody;

  CachedAnswer() = default;
  CachedAnswer(const CachedAnswer&) = delete;  // the views may point into the strings beside them
  CachedAnswer& operator=(const CachedAnswer&) = delete;
};

// The entry must outlive the answer. Only a 200 is answered in part or with 304; any other status is replayed as it is.
// Without any of the fields nothing is copied: `head` is `entry.plain`.
void answerFromEntry(const CachedResponse& entry, const CacheRequestFields& request, CachedAnswer* answer);

}  // namespace httpsys
