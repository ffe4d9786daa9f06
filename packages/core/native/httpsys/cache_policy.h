// Cache policies as the system takes them (section 5.1).
#pragma once

#include <algorithm>
#include <cstdint>

#include "httpsys/driver_limits.h"
#include "httpsys/http_api.h"

namespace httpsys {
namespace driver {

// As of `policySeconds`, for what is to be stored: 0 is until flushed.
inline HTTP_CACHE_POLICY cachePolicy(int64_t seconds) {
  HTTP_CACHE_POLICY policy{};
  policy.Policy = seconds == 0 ? HttpCachePolicyUserInvalidates : HttpCachePolicyTimeToLive;
  policy.SecondsToLive = static_cast<ULONG>(std::min<int64_t>(seconds, limits::kSecondsToLiveMax));
  return policy;
}

}  // namespace driver
}  // namespace httpsys
