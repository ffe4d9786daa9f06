// A connection that leaves HTTP: after 101 the driver passes bytes in both directions (UP-1 to UP-7).
#include <utility>

#include "common/frame_writer.h"
#include "common/response_frame.h"
#include "httpsys/exchange.h"
#include "httpsys/http_functions.h"
#include "httpsys/request_queue.h"

namespace httpsys {
namespace driver {

// RESPONSE with OPAQUE. The driver switches for 101 only (UP-3): any other status is an answer whose body are the bytes that follow, and which ends
// with the connection.
bool Exchange::onSwitch(const frames::Header& header, const uint8_t* body, size_t length, const std::shared_ptr<Batch>& batch) {
  ResponseParts parts;
  splitResponse(body, length, &parts);
  ResponseHeadScan scan;
  scanResponseHead(parts.block, &scan);
  const bool switches = header.aux == 101;
  // Without OPAQUE (Wine) nobody would read what a client sends behind its 101, and the client would wait.
  const bool impossible = switches && !capabilities().opaque;
  if (headSet_ || impossible || header.aux < 101 || header.aux > 999 || !scan.valid || !validReason(parts.reason)) {
    abortResponse();
    return true;
  }
  if (parts.body.size() > frames::kResponseWindowBytes) return false;
  taken_ = headSet_ = closes_ = true;
  oneFrame_ = false;
  framing_ = Framing::kUntilClose;
  const std::string_view given = parts.body;
  const size_t headBytes = length - given.size();
  const std::string_view kept = send_.retain(std::string_view(reinterpret_cast<const char*>(body), headBytes), batch);
  splitResponse(reinterpret_cast<const uint8_t*>(kept.data()), kept.size(), &parts);
  ResponseOperation::Head head;
  head.status = header.aux;
  head.reason = parts.reason;
  head.block = parts.block;
  head.opaque = switches;
  if (!switches) head.connection = "close";
  if (!send_.setHead(head)) {
    headSet_ = false;
    abortResponse();
    return true;
  }
  send_.setPolicy(-1);
  writeBody(given);
  if (!switches) {
    markDirty();
    return true;
  }
  switched_ = headSent_ = true;
  ULONG flags = api::kSendOpaque | api::kSendMoreData;
  if (queue_->buffersData()) flags |= api::kSendBufferData;
  send_.sendHead(flags);
  return true;
}

bool Exchange::onOpaque(uint8_t flags, std::string_view bytes) {
  taken_ = true;
  if (!bytes.empty()) {
    if (!headSet_) {
      abortResponse();
      return true;
    }
    if (bodyAccepted_ + bytes.size() > bodyCredited_ + frames::kResponseWindowBytes) return false;
    writeBody(bytes);
  }
  if ((flags & (frames::kOpaqueIsLast | frames::kOpaqueClose)) != 0) {
    if (!headSet_) {
      // Without an answer the connection ends without a word.
      cancel();
      return true;
    }
    // UP-6: the driver has no half-closed connection; its DISCONNECT behind the last byte is what the client sees as our end.
    complete_ = true;
    const bool leaves = (flags & frames::kOpaqueClose) != 0 || clientEnded_ || !switched_;
    markDirty();
    if (leaves) finish();
    return true;
  }
  markDirty();
  return true;
}

void Exchange::opaqueRead(ULONG error, ULONG bytes) {
  if (error == NO_ERROR && bytes > 0) {
    bodyCredit_ -= static_cast<int64_t>(bytes);
    queue_->count().bytesIn += bytes;
    appendFrame(queue_->out(), frames::kOpaque, 0, 0, id, std::string_view(read_.data(), bytes));
    readMore();
    return;
  }
  read_.release();
  // 38: the client has ended its side. Any other end, before the application has ended its own, is a connection that broke.
  if (error != NO_ERROR && error != ERROR_HANDLE_EOF && !complete_) {
    clientGone();
    return;
  }
  clientEnded_ = true;
  appendFrame(queue_->out(), frames::kOpaque, frames::kOpaqueIsLast, 0, id);
  if (complete_) finish();
}

}  // namespace driver
}  // namespace httpsys
