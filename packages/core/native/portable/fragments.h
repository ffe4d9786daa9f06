// Fragments (http-server-api.md section 5.5): bodies that programs keep in the output cache under names of their own, for several responses.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "common/frames.h"
#include "common/response_frame.h"
#include "portable/cache.h"

namespace httpsys {

// Takes the place of one with the same name.
frames::FragmentResult addFragment(Cache* cache, uint32_t queueId, const FragmentParts& parts, uint64_t bytesMax, uint64_t nowMs);
// Null: there is none (any more).
std::shared_ptr<const CachedResponse> findFragment(Cache* cache, uint32_t queueId, std::string_view name, uint64_t nowMs);

}  // namespace httpsys
