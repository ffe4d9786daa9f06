// Request methods: codes of the frame protocol (docs/frames.md). The twin is src/queue/methods.ts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace httpsys {
namespace methods {

// Node's http.METHODS and the verbs of HTTP.SYS. The position is the code, so new methods go at the end (at most 65535).
#define HTTPSYS_METHODS(X) \
  X(kGet, "GET") \
  X(kHead, "HEAD") \
  X(kPost, "POST") \
  X(kPut, "PUT") \
  X(kDelete, "DELETE") \
  X(kOptions, "OPTIONS") \
  X(kPatch, "PATCH") \
  X(kTrace, "TRACE") \
  X(kConnect, "CONNECT") \
  X(kTrack, "TRACK") \
  X(kMove, "MOVE") \
  X(kCopy, "COPY") \
  X(kPropfind, "PROPFIND") \
  X(kProppatch, "PROPPATCH") \
  X(kMkcol, "MKCOL") \
  X(kLock, "LOCK") \
  X(kUnlock, "UNLOCK") \
  X(kSearch, "SEARCH") \
  X(kAcl, "ACL") \
  X(kBind, "BIND") \
  X(kCheckout, "CHECKOUT") \
  X(kLink, "LINK") \
  X(kMSearch, "M-SEARCH") \
  X(kMerge, "MERGE") \
  X(kMkactivity, "MKACTIVITY") \
  X(kMkcalendar, "MKCALENDAR") \
  X(kNotify, "NOTIFY") \
  X(kPurge, "PURGE") \
  X(kQuery, "QUERY") \
  X(kRebind, "REBIND") \
  X(kReport, "REPORT") \
  X(kSource, "SOURCE") \
  X(kSubscribe, "SUBSCRIBE") \
  X(kUnbind, "UNBIND") \
  X(kUnlink, "UNLINK") \
  X(kUnsubscribe, "UNSUBSCRIBE")

enum Code : uint8_t {
  kOther = 0,
#define HTTPSYS_X(constant, name) constant,
  HTTPSYS_METHODS(HTTPSYS_X)
#undef HTTPSYS_X
  kEndOfCodes
};

inline constexpr uint8_t kCount = kEndOfCodes - 1;

inline constexpr std::array<std::string_view, kCount + 1> kNames = {
    std::string_view(),
#define HTTPSYS_X(constant, name) std::string_view(name, sizeof(name) - 1),
    HTTPSYS_METHODS(HTTPSYS_X)
#undef HTTPSYS_X
};

// A longer method token is refused, as HTTP.SYS' error log cuts the verb there.
inline constexpr size_t kMethodBytesMax = 255;

// Case matters (RFC 9110 section 9.1). 0: not in the table.
inline uint8_t lookup(std::string_view method) {
  for (uint8_t code = 1; code <= kCount; ++code) {
    if (kNames[code] == method) return code;
  }
  return kOther;
}

}  // namespace methods
}  // namespace httpsys
