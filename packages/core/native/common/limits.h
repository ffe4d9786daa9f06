// Bounds that every engine has in common.
#pragma once

#include <cstdint>

namespace httpsys {
namespace limits {

// Slots of request and connection ids: 20 bits, with generations of 11 bits (docs/frames.md).
constexpr uint32_t kSlotBits = 20;
constexpr uint32_t kSlotMax = 1u << kSlotBits;
constexpr uint32_t kGenerationMax = (1u << 11) - 1;
// Free slots that are kept back: with the generations, millions of ids pass before one comes again.
constexpr uint32_t kSlotsAtRest = 4096;
// Request credit a channel can hold.
constexpr uint32_t kRequestCreditMax = 65536;
// Body credit a request can hold.
constexpr int64_t kBodyCreditMax = int64_t{1} << 40;

}  // namespace limits
}  // namespace httpsys
