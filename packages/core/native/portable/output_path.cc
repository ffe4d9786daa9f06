// A connection's output: gathered, and written with one call.
#include <algorithm>

#include "portable/channel.h"
#include "portable/connection.h"
#include "portable/engine.h"
#include "portable/io_thread.h"
#include "portable/limits.h"
#include "portable/request_queue.h"

namespace httpsys {

ByteBuffer* Connection::output() {
  if (out_ == nullptr) out_ = thread_->takeBuffer();
  // What is appended comes after the tail, so the tail has to come first.
  if (!tail_.empty()) {
    out_->append(tail_);
    tail_ = std::string_view();
    tailEntry_.reset();
  }
  return out_;
}

size_t Connection::bufferedOutput() const { return (out_ == nullptr ? 0 : out_->size()) + tail_.size(); }

void Connection::countSent(size_t bytes) {
  sent_ += bytes;
  thread_->counters.bytesOut.add(bytes);
  if (shard_ != nullptr) shard_->counters().bytesOut.add(bytes);
}

// Writes `out_`, `tail_` and the extra bytes in one call. False: the connection is gone.
bool Connection::writeSome(const char* extra, size_t extraBytes, size_t* extraWritten) {
  SendPart parts[3];
  int count = 0;
  const size_t outBytes = out_ == nullptr ? 0 : out_->size();
  if (outBytes > 0) parts[count++] = sendPart(out_->data(), outBytes);
  if (!tail_.empty()) parts[count++] = sendPart(tail_.data(), tail_.size());
  if (extraBytes > 0) parts[count++] = sendPart(extra, extraBytes);
  ptrdiff_t wrote;
  do {
    wrote = sendParts(socket_, parts, count);
  } while (wrote < 0 && interrupted());
  size_t rest = 0;
  if (wrote < 0) {
    if (!mayTryAgain()) {
      onSocketError();
      return false;
    }
  } else {
    rest = static_cast<size_t>(wrote);
    countSent(rest);
  }
  const size_t fromOut = std::min(rest, outBytes);
  if (fromOut > 0) out_->consume(fromOut);
  rest -= fromOut;
  const size_t fromTail = std::min(rest, tail_.size());
  tail_.remove_prefix(fromTail);
  if (tail_.empty()) tailEntry_.reset();
  rest -= fromTail;
  if (extraWritten != nullptr) *extraWritten = rest;
  outBlocked_ = bufferedOutput() > 0 || rest < extraBytes;
  if (outBlocked_) eager_ = false;
  return true;
}

void Connection::flush() {
  if (bufferedOutput() > 0 && !writeSome(nullptr, 0, nullptr)) return;
  if (file_ != nullptr && !outBlocked_) {
    sendFilePiece();
    if (closed_) return;
  }
  if (out_ != nullptr && out_->empty()) {
    thread_->giveBuffer(out_);
    out_ = nullptr;
  }
}

// A client that took its last large response as fast as it came may have the next one in fewer and larger pieces.
void Connection::widenWindow(const Channel* channel, ByteBuffer* out, size_t frameAt) {
  const bool eager = eager_;
  // Until its response says otherwise.
  eager_ = true;
  if (!eager) {
    if (pendingOutput() == 0) giveWindow();
    return;
  }
  if (exchange_->upgradable || channel->minor() < frames::kMinorWithWideWindows) return;
  if (!wide_ && !thread_->engine()->takeWideWindow()) return;
  wide_ = true;
  exchange_->window = frames::kWideWindowBytes;
  out->data()[frameAt + 7] |= frames::kRequestWideWindow >> 8;
}

void Connection::giveWindow() {
  if (wide_) thread_->engine()->giveWideWindow();
  wide_ = false;
}

void Connection::appendBody(std::string_view bytes) {
  if (bytes.size() < limits::kDirectWriteBytes || outBlocked_) {
    append(bytes);
    return;
  }
  size_t written = 0;
  if (!writeSome(bytes.data(), bytes.size(), &written)) return;
  if (written < bytes.size()) append(bytes.substr(written));
}

void Connection::appendEntryBody(const std::shared_ptr<const CachedResponse>& entry, std::string_view body) {
  if (body.size() < limits::kDirectWriteBytes || !tail_.empty()) {
    appendBody(body);
    return;
  }
  tailEntry_ = entry;
  tail_ = body;
}

}  // namespace httpsys
