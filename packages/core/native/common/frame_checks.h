// What every engine checks the same way of the frames that an application sends (docs/frames.md).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "common/frames.h"
#include "common/limits.h"

namespace httpsys {
namespace frames {

inline bool lengthFits(const Header& header) { return header.length >= kHeaderBytes && header.length <= kFrameBytesMax; }

// Of a request under way. Other types are the channel's, or those of a later minor version, which are skipped.
inline bool isOfRequest(uint8_t type) {
  switch (type) {
    case kResponse:
    case kInformational:
    case kData:
    case kEnd:
    case kCancel:
    case kOpaque:
      return true;
    default:
      return false;
  }
}

// The body of CREDIT.
constexpr size_t kCreditBytes = 4;
inline uint32_t withCredit(uint32_t credit, const uint8_t* body) {
  return static_cast<uint32_t>(std::min<uint64_t>(uint64_t{credit} + load32(body), limits::kRequestCreditMax));
}

// Why a channel ends.
constexpr const char* kAttachedTwice = "ATTACH on an attached channel";
constexpr const char* kFragmentMalformed = "ADD_FRAGMENT is malformed";
constexpr const char* kResponseTooShort = "RESPONSE is shorter than its parts";
inline std::string lengthFault(const Header& header) { return "frame length " + std::to_string(header.length) + " is out of range"; }
inline std::string creditFault(size_t length) { return "CREDIT with a body of " + std::to_string(length) + " bytes"; }
inline std::string windowFault(uint32_t id) { return "more response bytes than the window of request " + std::to_string(id); }

}  // namespace frames
}  // namespace httpsys
