// Known header field names: ids of the frame protocol (docs/frames.md) and a perfect-hash lookup without case.
// The TypeScript twin is src/queue/header-names.ts; test/unit/header-names.test.ts holds the two tables against each other.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace httpsys {
namespace names {

// X(constant, canonical spelling, lower-case spelling). The position is the id, so new names go at the end (at most 127).
#define HTTPSYS_HEADER_NAMES(X) \
  X(kHost, "Host", "host") \
  X(kConnection, "Connection", "connection") \
  X(kContentLength, "Content-Length", "content-length") \
  X(kTransferEncoding, "Transfer-Encoding", "transfer-encoding") \
  X(kAccept, "Accept", "accept") \
  X(kAcceptCharset, "Accept-Charset", "accept-charset") \
  X(kAcceptEncoding, "Accept-Encoding", "accept-encoding") \
  X(kAcceptLanguage, "Accept-Language", "accept-language") \
  X(kAuthorization, "Authorization", "authorization") \
  X(kCookie, "Cookie", "cookie") \
  X(kContentType, "Content-Type", "content-type") \
  X(kUserAgent, "User-Agent", "user-agent") \
  X(kCacheControl, "Cache-Control", "cache-control") \
  X(kPragma, "Pragma", "pragma") \
  X(kReferer, "Referer", "referer") \
  X(kOrigin, "Origin", "origin") \
  X(kUpgradeInsecureRequests, "Upgrade-Insecure-Requests", "upgrade-insecure-requests") \
  X(kExpect, "Expect", "expect") \
  X(kUpgrade, "Upgrade", "upgrade") \
  X(kRange, "Range", "range") \
  X(kIfRange, "If-Range", "if-range") \
  X(kIfNoneMatch, "If-None-Match", "if-none-match") \
  X(kIfModifiedSince, "If-Modified-Since", "if-modified-since") \
  X(kIfMatch, "If-Match", "if-match") \
  X(kIfUnmodifiedSince, "If-Unmodified-Since", "if-unmodified-since") \
  X(kTranslate, "Translate", "translate") \
  X(kTrailer, "Trailer", "trailer") \
  X(kTe, "TE", "te") \
  X(kKeepAlive, "Keep-Alive", "keep-alive") \
  X(kDate, "Date", "date") \
  X(kVia, "Via", "via") \
  X(kWarning, "Warning", "warning") \
  X(kForwarded, "Forwarded", "forwarded") \
  X(kFrom, "From", "from") \
  X(kMaxForwards, "Max-Forwards", "max-forwards") \
  X(kProxyAuthorization, "Proxy-Authorization", "proxy-authorization") \
  X(kProxyConnection, "Proxy-Connection", "proxy-connection") \
  X(kAllow, "Allow", "allow") \
  X(kContentEncoding, "Content-Encoding", "content-encoding") \
  X(kContentLanguage, "Content-Language", "content-language") \
  X(kContentLocation, "Content-Location", "content-location") \
  X(kContentMd5, "Content-MD5", "content-md5") \
  X(kContentRange, "Content-Range", "content-range") \
  X(kContentDisposition, "Content-Disposition", "content-disposition") \
  X(kExpires, "Expires", "expires") \
  X(kLastModified, "Last-Modified", "last-modified") \
  X(kEtag, "ETag", "etag") \
  X(kAge, "Age", "age") \
  X(kLocation, "Location", "location") \
  X(kServer, "Server", "server") \
  X(kRetryAfter, "Retry-After", "retry-after") \
  X(kSetCookie, "Set-Cookie", "set-cookie") \
  X(kVary, "Vary", "vary") \
  X(kDnt, "DNT", "dnt") \
  X(kPriority, "Priority", "priority") \
  X(kSaveData, "Save-Data", "save-data") \
  X(kDpr, "DPR", "dpr") \
  X(kViewportWidth, "Viewport-Width", "viewport-width") \
  X(kWidth, "Width", "width") \
  X(kDownlink, "Downlink", "downlink") \
  X(kEct, "ECT", "ect") \
  X(kRtt, "RTT", "rtt") \
  X(kDeviceMemory, "Device-Memory", "device-memory") \
  X(kPurpose, "Purpose", "purpose") \
  X(kPrefer, "Prefer", "prefer") \
  X(kHttp2Settings, "HTTP2-Settings", "http2-settings") \
  X(kAltUsed, "Alt-Used", "alt-used") \
  X(kEarlyData, "Early-Data", "early-data") \
  X(kLink, "Link", "link") \
  X(kSecChUa, "Sec-CH-UA", "sec-ch-ua") \
  X(kSecChUaMobile, "Sec-CH-UA-Mobile", "sec-ch-ua-mobile") \
  X(kSecChUaPlatform, "Sec-CH-UA-Platform", "sec-ch-ua-platform") \
  X(kSecChUaPlatformVersion, "Sec-CH-UA-Platform-Version", "sec-ch-ua-platform-version") \
  X(kSecChUaArch, "Sec-CH-UA-Arch", "sec-ch-ua-arch") \
  X(kSecChUaBitness, "Sec-CH-UA-Bitness", "sec-ch-ua-bitness") \
  X(kSecChUaModel, "Sec-CH-UA-Model", "sec-ch-ua-model") \
  X(kSecChUaFullVersion, "Sec-CH-UA-Full-Version", "sec-ch-ua-full-version") \
  X(kSecChUaFullVersionList, "Sec-CH-UA-Full-Version-List", "sec-ch-ua-full-version-list") \
  X(kSecChUaWow64, "Sec-CH-UA-WoW64", "sec-ch-ua-wow64") \
  X(kSecChUaFormFactors, "Sec-CH-UA-Form-Factors", "sec-ch-ua-form-factors") \
  X(kSecChPrefersColorScheme, "Sec-CH-Prefers-Color-Scheme", "sec-ch-prefers-color-scheme") \
  X(kSecChPrefersReducedMotion, "Sec-CH-Prefers-Reduced-Motion", "sec-ch-prefers-reduced-motion") \
  X(kSecChDpr, "Sec-CH-DPR", "sec-ch-dpr") \
  X(kSecChViewportWidth, "Sec-CH-Viewport-Width", "sec-ch-viewport-width") \
  X(kSecChWidth, "Sec-CH-Width", "sec-ch-width") \
  X(kSecChDeviceMemory, "Sec-CH-Device-Memory", "sec-ch-device-memory") \
  X(kSecFetchSite, "Sec-Fetch-Site", "sec-fetch-site") \
  X(kSecFetchMode, "Sec-Fetch-Mode", "sec-fetch-mode") \
  X(kSecFetchUser, "Sec-Fetch-User", "sec-fetch-user") \
  X(kSecFetchDest, "Sec-Fetch-Dest", "sec-fetch-dest") \
  X(kSecFetchStorageAccess, "Sec-Fetch-Storage-Access", "sec-fetch-storage-access") \
  X(kSecGpc, "Sec-GPC", "sec-gpc") \
  X(kSecPurpose, "Sec-Purpose", "sec-purpose") \
  X(kSecWebsocketKey, "Sec-WebSocket-Key", "sec-websocket-key") \
  X(kSecWebsocketVersion, "Sec-WebSocket-Version", "sec-websocket-version") \
  X(kSecWebsocketProtocol, "Sec-WebSocket-Protocol", "sec-websocket-protocol") \
  X(kSecWebsocketExtensions, "Sec-WebSocket-Extensions", "sec-websocket-extensions") \
  X(kSecWebsocketAccept, "Sec-WebSocket-Accept", "sec-websocket-accept") \
  X(kAccessControlRequestMethod, "Access-Control-Request-Method", "access-control-request-method") \
  X(kAccessControlRequestHeaders, "Access-Control-Request-Headers", "access-control-request-headers") \
  X(kAccessControlRequestPrivateNetwork, "Access-Control-Request-Private-Network", "access-control-request-private-network") \
  X(kXRequestedWith, "X-Requested-With", "x-requested-with") \
  X(kXRequestId, "X-Request-ID", "x-request-id") \
  X(kXCorrelationId, "X-Correlation-ID", "x-correlation-id") \
  X(kXForwardedFor, "X-Forwarded-For", "x-forwarded-for") \
  X(kXForwardedHost, "X-Forwarded-Host", "x-forwarded-host") \
  X(kXForwardedProto, "X-Forwarded-Proto", "x-forwarded-proto") \
  X(kXForwardedPort, "X-Forwarded-Port", "x-forwarded-port") \
  X(kXForwardedPrefix, "X-Forwarded-Prefix", "x-forwarded-prefix") \
  X(kXForwardedServer, "X-Forwarded-Server", "x-forwarded-server") \
  X(kXRealIp, "X-Real-IP", "x-real-ip") \
  X(kXHttpMethodOverride, "X-HTTP-Method-Override", "x-http-method-override") \
  X(kXCsrfToken, "X-CSRF-Token", "x-csrf-token") \
  X(kXXsrfToken, "X-XSRF-TOKEN", "x-xsrf-token") \
  X(kXApiKey, "X-API-Key", "x-api-key") \
  X(kTraceparent, "Traceparent", "traceparent") \
  X(kTracestate, "Tracestate", "tracestate") \
  X(kBaggage, "Baggage", "baggage")

enum Id : uint8_t {
  kOther = 0,
#define HTTPSYS_X(constant, canonical, lower) constant,
  HTTPSYS_HEADER_NAMES(HTTPSYS_X)
#undef HTTPSYS_X
  kEndOfIds
};

inline constexpr uint8_t kCount = kEndOfIds - 1;
static_assert(kEndOfIds <= 128, "a name id has seven bits: the eighth marks the lower-case spelling");

// In a frame: this bit on a name id means the all-lower-case spelling.
inline constexpr uint8_t kLowerCaseBit = 0x80;

inline constexpr std::array<std::string_view, kCount + 1> kCanonical = {
    std::string_view(),
#define HTTPSYS_X(constant, canonical, lower) std::string_view(canonical, sizeof(canonical) - 1),
    HTTPSYS_HEADER_NAMES(HTTPSYS_X)
#undef HTTPSYS_X
};

inline constexpr std::array<std::string_view, kCount + 1> kLower = {
    std::string_view(),
#define HTTPSYS_X(constant, canonical, lower) std::string_view(lower, sizeof(lower) - 1),
    HTTPSYS_HEADER_NAMES(HTTPSYS_X)
#undef HTTPSYS_X
};

enum class Spelling : uint8_t { kNone, kCanonical, kLowerCase, kOther };

struct Match {
  uint8_t id = kOther;  // 0: not a known name
  Spelling spelling = Spelling::kNone;

  // What stands for the name in a frame; 0 when the name has to be written out.
  uint8_t frameId() const {
    if (spelling == Spelling::kCanonical) return id;
    return spelling == Spelling::kLowerCase ? static_cast<uint8_t>(id | kLowerCaseBit) : uint8_t{0};
  }
};

namespace detail {

inline constexpr size_t kNameBytesMin = 2;
inline constexpr size_t kNameBytesMax = 64;
inline constexpr size_t kSlots = 512;

// Four characters and the length tell all known names apart; the multiplier was searched for so that no two share a slot.
constexpr uint32_t slotOf(const char* p, size_t n) {
  const uint32_t key = static_cast<uint32_t>(static_cast<uint8_t>(p[0])) | static_cast<uint32_t>(static_cast<uint8_t>(p[n >> 1])) << 8 |
                       static_cast<uint32_t>(static_cast<uint8_t>(p[n - 2])) << 16 |
                       static_cast<uint32_t>(static_cast<uint8_t>(p[n / 5])) << 24;
  return (((key | 0x20202020u) + static_cast<uint32_t>(n) * 0x3d4d51cbu) * 0x353ecb5u) >> 23;
}

constexpr std::array<uint8_t, kSlots> makeSlots() {
  std::array<uint8_t, kSlots> slots{};
  for (uint8_t id = 1; id <= kCount; ++id) slots[slotOf(kLower[id].data(), kLower[id].size())] = id;
  return slots;
}
inline constexpr std::array<uint8_t, kSlots> kSlotIds = makeSlots();

constexpr bool slotsAreUnique() {
  for (uint8_t id = 1; id <= kCount; ++id) {
    const std::string_view name = kLower[id];
    if (name.size() < kNameBytesMin || name.size() > kNameBytesMax) return false;
    if (kSlotIds[slotOf(name.data(), name.size())] != id) return false;
  }
  return true;
}
static_assert(slotsAreUnique(), "two header names share a slot: search a new multiplier for slotOf");

template <typename Word>
inline bool equalEnds(const char* a, const char* b, size_t n) {
  Word a0, b0, a1, b1;
  std::memcpy(&a0, a, sizeof(Word));
  std::memcpy(&b0, b, sizeof(Word));
  std::memcpy(&a1, a + n - sizeof(Word), sizeof(Word));
  std::memcpy(&b1, b + n - sizeof(Word), sizeof(Word));
  return ((a0 ^ b0) | (a1 ^ b1)) == 0;
}

// Names are short: overlapping words beat a call to memcmp.
inline bool equalBytes(const char* a, const char* b, size_t n) {
  if (n > 16) return std::memcmp(a, b, n) == 0;
  if (n >= 8) return equalEnds<uint64_t>(a, b, n);
  if (n >= 4) return equalEnds<uint32_t>(a, b, n);
  return equalEnds<uint16_t>(a, b, n);
}

}  // namespace detail

// Compares ASCII text without case; `lower` has no upper-case letters.
inline bool equalsLower(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    if (c != lower[i]) return false;
  }
  return true;
}

// Any bytes may be asked for: what is not exactly a known name, but for case, gives id 0.
inline Match lookup(std::string_view name) {
  Match match;
  if (name.size() < detail::kNameBytesMin || name.size() > detail::kNameBytesMax) return match;
  const uint8_t id = detail::kSlotIds[detail::slotOf(name.data(), name.size())];
  if (id == 0 || kCanonical[id].size() != name.size()) return match;
  if (detail::equalBytes(kCanonical[id].data(), name.data(), name.size())) {
    match.spelling = Spelling::kCanonical;
  } else if (detail::equalBytes(kLower[id].data(), name.data(), name.size())) {
    match.spelling = Spelling::kLowerCase;
  } else if (equalsLower(name, kLower[id])) {
    match.spelling = Spelling::kOther;
  } else {
    return match;
  }
  match.id = id;
  return match;
}

}  // namespace names
}  // namespace httpsys
