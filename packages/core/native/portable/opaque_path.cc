// A connection that leaves HTTP by an upgrade or CONNECT: bytes in both directions, under the credit of bodies (docs/frames.md).
#include <algorithm>

#include "common/frame_writer.h"
#include "portable/channel.h"
#include "portable/connection.h"
#include "portable/io_thread.h"
#include "portable/limits.h"
#include "portable/request_queue.h"
#include "portable/response_writer.h"

namespace httpsys {

namespace {

// Minor version of the protocol since which applications know OPAQUE.
constexpr uint8_t kOpaqueMinor = 2;

}  // namespace

// The REQUEST frame at `frameAt` was appended last. What the client has sent ahead goes along, and is not taken: if the application answers in
// the ordinary way it is the next request.
void Connection::showAhead(const char* rest, size_t restBytes, size_t frameAt) {
  Exchange* exchange = exchange_;
  if (restBytes == 0 || exchange->channel->minor() < kOpaqueMinor) return;
  exchange->shown = static_cast<uint32_t>(std::min<size_t>(restBytes, frames::kBodyWindowBytes));
  completeRequest(exchange->channel->out(), frameAt, std::string_view(rest, exchange->shown));
}

void Connection::take() {
  Exchange* exchange = exchange_;
  if (exchange->taken) return;
  exchange->taken = true;
  exchange->bodyCredit -= exchange->shown;
  exchange->shard->counters().upgraded.add(1);
  inputReady_ = true;
  markDirty();
}

// False: the response window was overrun.
bool Connection::switchOver(uint16_t status, std::string_view reason, std::string_view block, std::string_view bytes) {
  Exchange* exchange = exchange_;
  if (!exchange->upgradable) {
    abortResponse();
    return true;
  }
  if (bytes.size() > frames::kResponseWindowBytes) return false;
  take();
  ResponseHead head;
  head.status = status;
  head.reason = reason;
  head.fields = block;
  // Nothing is taken out of the block either: what follows is framed by the application.
  appendResponseHead(output(), head, ResponseHeadScan());
  exchange->headSent = exchange->opaque = true;
  exchange->inOneFrame = false;
  exchange->bodyAccepted += bytes.size();
  if (!bytes.empty()) appendBody(bytes);
  markDirty();
  return true;
}

bool Connection::onOpaque(uint8_t flags, std::string_view bytes) {
  Exchange* exchange = exchange_;
  if (!exchange->upgradable || (!bytes.empty() && (!exchange->opaque || exchange->outputEnded))) {
    abortResponse();
    return true;
  }
  take();
  if (!bytes.empty()) {
    if (exchange->bodyAccepted + bytes.size() > exchange->bodyCredited + frames::kResponseWindowBytes) return false;
    exchange->bodyAccepted += bytes.size();
    appendBody(bytes);
    if (closed_) return true;
  }
  if ((flags & frames::kOpaqueClose) != 0) {
    closeOpaque();
    return true;
  }
  if ((flags & frames::kOpaqueIsLast) != 0) exchange->outputEnded = true;
  markDirty();
  return true;
}

// The client's bytes, as far as credit goes. Those that were shown are with the application already.
size_t Connection::pumpOpaque(const char* data, size_t length) {
  Exchange* exchange = exchange_;
  const size_t known = std::min<size_t>(exchange->shown, length);
  exchange->shown -= static_cast<uint32_t>(known);
  if (exchange->bodyCredit <= 0 || exchange->channel->congested()) return known;
  const size_t fresh = std::min(length - known, static_cast<size_t>(exchange->bodyCredit));
  if (fresh == 0) return known;
  exchange->bodyCredit -= static_cast<int64_t>(fresh);
  appendFrame(exchange->channel->out(), frames::kOpaque, 0, 0, exchange->id, std::string_view(data + known, fresh));
  return known + fresh;
}

// The channel has room again.
void Connection::channelRelieved() {
  if (!isTaken()) return;
  inputReady_ = true;
  markDirty();
}

// Hands on the ends of both sides: each when everything before it is through.
void Connection::endOpaqueSides() {
  Exchange* exchange = exchange_;
  if (readClosed_ && exchange->bodyDone && in_ == nullptr && !exchange->inputEnded) {
    exchange->inputEnded = true;
    appendFrame(exchange->channel->out(), frames::kOpaque, frames::kOpaqueIsLast, 0, exchange->id);
  }
  if (!exchange->outputEnded || pendingOutput() > 0) return;
  if (exchange->inputEnded) {
    exchange->channel->drop(exchange);
    releaseExchange();
    closeAfter_ = true;
  } else if (!exchange->finSent) {
    exchange->finSent = true;
    shutdownSending(socket_);
  }
}

// The application is done with both sides. Closing a socket with unread input resets it, so it is drained for a while (finishClosing).
void Connection::closeOpaque() {
  exchange_->channel->drop(exchange_);
  releaseExchange();
  closeAfter_ = cutOff_ = true;
  lingerAfter_ = !readClosed_;
  markDirty();
}

}  // namespace httpsys
