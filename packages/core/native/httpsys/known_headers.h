// The API's known headers and the names of the frame protocol (http-server-api.md section 3.2).
#pragma once

#include <array>
#include <cstdint>

#include "common/header_names.h"
#include "httpsys/http_api.h"

namespace httpsys {
namespace driver {

// By HTTP_HEADER_ID of a request: the frame protocol's name.
inline constexpr std::array<uint8_t, 41> kRequestNames = {
    names::kCacheControl,       names::kConnection,      names::kDate,
    names::kKeepAlive,          names::kPragma,          names::kTrailer,
    names::kTransferEncoding,   names::kUpgrade,         names::kVia,
    names::kWarning,            names::kAllow,           names::kContentLength,
    names::kContentType,        names::kContentEncoding, names::kContentLanguage,
    names::kContentLocation,    names::kContentMd5,      names::kContentRange,
    names::kExpires,            names::kLastModified,    names::kAccept,
    names::kAcceptCharset,      names::kAcceptEncoding,  names::kAcceptLanguage,
    names::kAuthorization,      names::kCookie,          names::kExpect,
    names::kFrom,               names::kHost,            names::kIfMatch,
    names::kIfModifiedSince,    names::kIfNoneMatch,     names::kIfRange,
    names::kIfUnmodifiedSince,  names::kMaxForwards,     names::kProxyAuthorization,
    names::kReferer,            names::kRange,           names::kTe,
    names::kTranslate,          names::kUserAgent,
};
static_assert(kRequestNames.size() == HttpHeaderRequestMaximum, "one name for each known header of a request");

namespace detail {

inline constexpr int8_t kNotKnown = -1;

// Accept-Ranges, Proxy-Authenticate and WWW-Authenticate have no name in the frame protocol's table: they travel as unknown headers.
constexpr std::array<int8_t, 128> makeResponseIds() {
  std::array<int8_t, 128> ids{};
  for (int8_t& id : ids) id = kNotKnown;
  for (int id = HttpHeaderCacheControl; id <= HttpHeaderLastModified; ++id) {
    ids[kRequestNames[static_cast<size_t>(id)]] = static_cast<int8_t>(id);
  }
  ids[names::kAge] = HttpHeaderAge;
  ids[names::kEtag] = HttpHeaderEtag;
  ids[names::kLocation] = HttpHeaderLocation;
  ids[names::kRetryAfter] = HttpHeaderRetryAfter;
  ids[names::kServer] = HttpHeaderServer;
  ids[names::kVary] = HttpHeaderVary;
  return ids;
}

}  // namespace detail

// By name of the frame protocol: the HTTP_HEADER_ID of a response, or negative.
inline constexpr std::array<int8_t, 128> kResponseIds = detail::makeResponseIds();

}  // namespace driver
}  // namespace httpsys
