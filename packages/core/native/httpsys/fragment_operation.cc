#include "httpsys/fragment_operation.h"

#include "common/frame_writer.h"
#include "httpsys/cache_policy.h"
#include "httpsys/exchange.h"
#include "httpsys/http_functions.h"
#include "httpsys/request_queue.h"
#include "httpsys/wide_text.h"

namespace httpsys {
namespace driver {

namespace {

void tell(RequestQueue* queue, uint32_t token, frames::FragmentResult result, ULONG code) {
  uint8_t body[4];
  frames::store32(body, code);
  const std::string_view bytes(reinterpret_cast<const char*>(body), code == NO_ERROR ? 0 : sizeof body);
  appendFrame(queue->out(), frames::kFragmentAdded, 0, result, token, bytes);
}

}  // namespace

FragmentOperation::FragmentOperation(RequestQueue* queue, uint32_t token, const FragmentParts& parts)
    : queue_(queue), token_(token), name_(utf16(parts.name)), data_(parts.data) {
  chunk_.DataChunkType = HttpDataChunkFromMemory;
  chunk_.FromMemory.pBuffer = data_.data();
  chunk_.FromMemory.BufferLength = static_cast<ULONG>(data_.size());
  policy_ = cachePolicy(policySeconds(parts.policy));
}

void FragmentOperation::start() {
  queue_->loop().issue(this, [&](OVERLAPPED* overlapped, ULONG*) {
    return functions().AddFragmentToCache(queue_->handle(), wide(name_), &chunk_, &policy_, overlapped);
  });
}

void FragmentOperation::completed(ULONG error, ULONG, bool) {
  tell(queue_, token_, error == NO_ERROR ? frames::kFragmentStored : frames::kFragmentFailed, error);
  delete this;
}

void RequestQueue::addFragment(uint32_t token, const FragmentParts& parts) {
  if (!capabilities().fragments) {
    tell(this, token, frames::kFragmentFailed, ERROR_CALL_NOT_IMPLEMENTED);
    return;
  }
  if (utf16(parts.name).empty()) {
    tell(this, token, frames::kFragmentInvalid, NO_ERROR);
    return;
  }
  (new FragmentOperation(this, token, parts))->start();
}

// SEND-18: the driver knows whether it has the fragment when the send has ended, and the length of the body with it (SEND-4).
bool Exchange::sendFragment(std::string_view name) {
  if (!bodyless_ && !send_.addFragmentChunk(name)) {
    headSet_ = false;
    return false;
  }
  asksFragment_ = headSent_ = ended_ = complete_ = true;
  send_.sendHead(flagsOf(true));
  return true;
}

void Exchange::fragmentSent(bool missing) {
  asksFragment_ = false;
  // Given up meanwhile: the request has been cancelled.
  if (!knows()) return;
  if (missing) headSet_ = headSent_ = ended_ = complete_ = closes_ = false;
  appendFrame(queue_->out(), frames::kFragmentUsed, 0, missing ? frames::kFragmentMissing : frames::kFragmentSent, id);
  if (!missing) finish();
}

}  // namespace driver
}  // namespace httpsys
