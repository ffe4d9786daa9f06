#include "portable/connection.h"

#include <algorithm>
#include <cstring>

#include "common/frame_writer.h"
#include "common/http_errors.h"
#include "portable/channel.h"
#include "portable/io_thread.h"
#include "portable/limits.h"
#include "portable/request_queue.h"

namespace httpsys {

namespace {

uint8_t addressText(const sockaddr_storage& address, char* text, size_t size, uint16_t* port) {
  const void* bytes;
  if (address.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address);
    *port = ntohs(v6->sin6_port);
    bytes = &v6->sin6_addr;
  } else if (address.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address);
    *port = ntohs(v4->sin_port);
    bytes = &v4->sin_addr;
  } else {
    return 0;
  }
  if (inet_ntop(address.ss_family, bytes, text, static_cast<socklen_t>(size)) == nullptr) return 0;
  return static_cast<uint8_t>(std::strlen(text));
}

}  // namespace

bool Connection::open(Socket socket, uint32_t id, uint32_t routeKey) {
  sockaddr_storage local{}, remote{};
  socklen_t localSize = sizeof local, remoteSize = sizeof remote;
  // A client that reset its connection while it waited to be accepted has no address any more.
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&local), &localSize) != 0 ||
      getpeername(socket, reinterpret_cast<sockaddr*>(&remote), &remoteSize) != 0 ||
      uv_poll_init_socket(thread_->loop(), &poll_, socket) != 0) {
    closeSocket(socket);
    return false;
  }
  prepareConnection(socket);
  poll_.data = this;
  socket_ = socket;
  id_ = id;
  family_ = local.ss_family == AF_INET6 ? 6 : local.ss_family == AF_INET ? 4 : 0;
  remotePort_ = localPort_ = 0;
  remoteBytes_ = addressText(remote, remote_, sizeof remote_, &remotePort_);
  localBytes_ = addressText(local, local_, sizeof local_, &localPort_);
  routePort_ = routeKey != 0 ? routeKey : localPort_;
  routeAt_ = std::string_view(local_, localBytes_).substr(0, 7) == "::ffff:" ? 7 : 0;
  exchange_ = nullptr;
  shard_ = nullptr;
  in_ = out_ = nullptr;
  tailEntry_.reset();
  tail_ = std::string_view();
  announced_.clear();
  handed_ = nullptr;
  sendMark_ = sent_ = 0;
  scanned_ = lingered_ = rawBytes_ = 0;
  deadline_ = Deadline::kNone;
  interest_ = kInterestUnset;
  closed_ = dirty_ = readClosed_ = hungUp_ = outBlocked_ = closeAfter_ = lingering_ = lingerAfter_ = inputReady_ = cutOff_ = stuckOnOutput_ = resting_ = eager_ = false;
  startDeadline(Deadline::kHeader, headerMs());
  setInterest();
  return true;
}

const QueueSettings& Connection::settings() const { return shard_ != nullptr ? shard_->settings() : thread_->defaultSettings(); }

void Connection::onPoll(uv_poll_t* poll, int status, int events) {
  Connection* self = static_cast<Connection*>(poll->data);
  if (self->closed_) return;
  // Without interest in reading, an error or hang-up is all that can be told: PRIORITIZED is asked for only to hear of it.
  if (status < 0 || (events & (UV_READABLE | UV_WRITABLE | UV_DISCONNECT)) == 0) {
    self->onSocketError();
    return;
  }
  if ((events & UV_DISCONNECT) != 0) {
    // A FIN behind bytes that nobody reads: from now on there is a deadline for what goes on here, and it is not told again.
    self->hungUp_ = true;
    self->interest_ = kInterestUnset;
    self->settle();
    if (self->closed_) return;
  }
  if ((events & UV_WRITABLE) != 0) {
    self->outBlocked_ = false;
    self->settle();
    if (self->closed_) return;
  }
  if ((events & UV_READABLE) != 0) self->onReadable();
}

void Connection::onReadable() {
  if (readClosed_ || (!lingering_ && (bodyBlocked() || (in_ != nullptr && in_->size() >= limits::kPipelineBytes)))) {
    // Interest in reading is dropped only now, so that a credit that comes soon costs no system call.
    interest_ = kInterestUnset;
    setInterest();
    return;
  }
  char* buffer = thread_->readBuffer();
  size_t room = limits::kReadBytes;
  if (in_ != nullptr) room = std::min(room, limits::kPipelineBytes - in_->size());
  const ptrdiff_t got = receive(socket_, buffer, room);
  if (got < 0) {
    if (mayTryAgain()) return;
    onSocketError();
    return;
  }
  if (got == 0) {
    onPeerClosed();
    return;
  }
  const size_t count = static_cast<size_t>(got);
  thread_->counters.bytesIn.add(count);
  if (lingering_) {
    lingered_ += static_cast<uint32_t>(count);
    if (lingered_ > limits::kLingerBytes) close();
    return;
  }
  if (in_ == nullptr) {
    const size_t used = process(buffer, count);
    if (closed_) return;
    if (used < count) {
      in_ = thread_->takeBuffer();
      in_->append(buffer + used, count - used);
    }
  } else {
    in_->append(buffer, count);
    inputReady_ = true;
  }
  settle();
}

void Connection::onPeerClosed() {
  readClosed_ = true;
  // The program decides about a client that it was handed, and its answer may come from another process.
  if (handed_ != nullptr || (isTaken() && exchange_->bodyDone)) {
    settle();
    return;
  }
  const bool inRequest = exchange_ == nullptr ? in_ != nullptr && file_ == nullptr : !exchange_->bodyDone && exchange_->stage != ExchangeStage::kAnswered;
  if (!lingering_ && inRequest && (exchange_ == nullptr || !exchange_->headSent) && handOver(errors::kUnfinished, std::string_view(), 0)) {
    settle();
    return;
  }
  if (lingering_ || exchange_ == nullptr || !exchange_->bodyDone) {
    // Nothing to answer, or a request that can never be complete. What is still to be written goes out first.
    // Whole requests that were sent ahead are still answered; behind a body that was cut off nothing is a request.
    if (exchange_ != nullptr) {
      dropExchange(frames::kAbortClientClosed, true);
      closeAfter_ = true;
    }
    if (lingering_ || pendingOutput() == 0) {
      close();
      return;
    }
  } else if (!settings().halfClose) {
    // Not in this turn: an application on this loop may have answered already, and hands it over at the end of it.
    thread_->post([thread = thread_, id = id_] {
      if (Connection* self = thread->connection(id)) self->leaveUnanswered();
    });
  }
  settle();
}

// The client has ended its side, and its answer is not wanted any more. What was written of it still goes out.
void Connection::leaveUnanswered() {
  if (closed_ || exchange_ == nullptr || isTaken()) return;
  if (exchange_->headSent && exchange_->framing == BodyFraming::kUntilClose) {
    // Only a reset tells its end from its being cut off.
    abort(frames::kAbortClientClosed);
    return;
  }
  dropExchange(frames::kAbortClientClosed, true);
  closeAfter_ = true;
  markDirty();
}

void Connection::onSocketError() {
  tellReset();
  if (exchange_ != nullptr) dropExchange(frames::kAbortClientReset, true);
  close();
}

void Connection::setInterest() {
  int wanted = 0;
  if (outBlocked_) wanted |= UV_WRITABLE;
  const bool mayRead = !readClosed_ && (lingering_ || (!bodyBlocked() && (in_ == nullptr || in_->size() < limits::kPipelineBytes)));
  if (mayRead) wanted |= UV_READABLE;
  if (wanted == interest_) return;
  // Too much interest is corrected when it fires; too little must be corrected now.
  if (interest_ != kInterestUnset && (wanted & ~interest_) == 0 && (interest_ & UV_WRITABLE) == (wanted & UV_WRITABLE)) return;
  interest_ = static_cast<uint8_t>(wanted);
  if (!mayRead) wanted |= readClosed_ || hungUp_ ? UV_PRIORITIZED : UV_PRIORITIZED | UV_DISCONNECT;
  uv_poll_start(&poll_, wanted, onPoll);
}

void Connection::markDirty() {
  if (dirty_ || closed_) return;
  dirty_ = true;
  thread_->connectionDirty(this);
}

void Connection::settle() {
  dirty_ = false;
  for (;;) {
    if (closed_) return;
    if (inputReady_ && in_ != nullptr && !closeAfter_) {
      const size_t used = process(in_->data(), in_->size());
      if (closed_) return;
      in_->consume(used);
    }
    inputReady_ = false;
    if (outBlocked_ || pendingOutput() == 0) break;
    flush();
    if (closed_) return;
    // Pipelined requests that waited for the output to drain are looked at again.
    if (outBlocked_ || !stuckOnOutput_) break;
    stuckOnOutput_ = false;
    inputReady_ = true;
  }
  if (in_ != nullptr && in_->empty()) {
    thread_->giveBuffer(in_);
    in_ = nullptr;
  }
  if (isTaken()) endOpaqueSides();
  reportDrained();
  if (pendingOutput() == 0) {
    if (exchange_ == nullptr) giveWindow();
    if (closeAfter_ && exchange_ == nullptr) {
      finishClosing();
      return;
    }
    if (readClosed_ && exchange_ == nullptr && handed_ == nullptr) {
      close();
      return;
    }
  }
  setDeadline();
  setInterest();
  holdLoop();
}

// Whose client has said its last, and which has nothing to write: it waits for the program alone, and does not keep its process, as a socket of
// node:net that has stopped reading does not.
void Connection::holdLoop() {
  if (thread_->threaded()) return;
  const bool rests = isTaken() && exchange_->inputEnded && pendingOutput() == 0;
  if (rests == resting_) return;
  resting_ = rests;
  uv_handle_t* handle = reinterpret_cast<uv_handle_t*>(&poll_);
  rests ? uv_unref(handle) : uv_ref(handle);
}

void Connection::finishClosing() {
  if (lingering_) return;
  if (!lingerAfter_ || readClosed_) {
    close();
    return;
  }
  startLinger();
}

// Closing a socket with unread input resets it, and the client might lose the page it was sent: end the output, and drain for a while.
void Connection::startLinger() {
  lingering_ = true;
  if (in_ != nullptr) {
    thread_->giveBuffer(in_);
    in_ = nullptr;
  }
  shutdownSending(socket_);
  startDeadline(Deadline::kLinger, limits::kLingerMs);
  setInterest();
}

void Connection::releaseExchange() {
  Exchange* exchange = exchange_;
  exchange_ = nullptr;
  thread_->freeExchange(exchange);
}

// Takes the exchange from wherever it is. `tell`: the application that has it gets ABORTED.
void Connection::dropExchange(frames::AbortReason reason, bool tell) {
  Exchange* exchange = exchange_;
  if (exchange == nullptr) return;
  switch (exchange->stage) {
    case ExchangeStage::kQueued:
      exchange->shard->leave(exchange);
      break;
    case ExchangeStage::kCacheWait:
      thread_->cache()->removeWaiter(exchange->key, CacheWaiter{thread_->index(), exchange->id});
      break;
    case ExchangeStage::kDelivered:
    case ExchangeStage::kReading: {
      Channel* channel = exchange->channel;
      channel->drop(exchange);
      if (tell && channel->open()) appendFrame(channel->out(), frames::kAborted, 0, reason, exchange->id);
      break;
    }
    case ExchangeStage::kNew:
    case ExchangeStage::kAnswered:
      break;
  }
  if (exchange->renewing) thread_->cache()->finishRenewal(exchange->key, RenewalEnd::kAbandoned);
  releaseExchange();
}

void Connection::abort(frames::AbortReason reason) {
  dropExchange(reason, true);
  reset();
}

void Connection::reset() {
  if (closed_) return;
  resetOnClose(socket_);
  close();
}

void Connection::close() {
  if (closed_) return;
  closed_ = true;
  dropExchange(frames::kAbortEngine, true);
  giveWindow();
  bindShard(nullptr);
  for (Channel* channel : announced_) appendFrame(channel->out(), frames::kConnectionClosed, 0, 0, id_);
  announced_.clear();
  handed_ = nullptr;
  if (in_ != nullptr) thread_->giveBuffer(in_);
  if (out_ != nullptr) thread_->giveBuffer(out_);
  in_ = out_ = nullptr;
  tail_ = std::string_view();
  tailEntry_.reset();
  file_.reset();
  thread_->timers.remove(this);
  // The watcher leaves the poller before its descriptor is closed.
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_), [](uv_handle_t* handle) {
    Connection* self = static_cast<Connection*>(handle->data);
    self->thread_->connectionGone(self);
  });
  closeSocket(socket_);
  socket_ = kNoSocket;
  thread_->unlinkConnection(this);
}

bool Connection::knows(const Channel* channel) const {
  return std::find(announced_.begin(), announced_.end(), channel) != announced_.end();
}

void Connection::forgetChannel(const Channel* channel) {
  if (handed_ == channel && handed_ != nullptr) {
    handed_ = nullptr;
    closeAfter_ = true;
    markDirty();
  }
  announced_.erase(std::remove(announced_.begin(), announced_.end(), channel), announced_.end());
}

void Connection::closeFor(const Channel* channel, uint8_t flags) {
  if (closed_ || isTaken()) return;
  if (exchange_ == nullptr && pendingOutput() == 0 && in_ == nullptr) {
    if ((flags & (frames::kCloseIdle | frames::kCloseAll)) != 0) close();
  } else if ((flags & frames::kCloseAll) == 0) {
    return;
  } else if (exchange_ == nullptr) {
    // Answered, and the answer is still on its way out: the connection ends behind it.
    closeAfter_ = true;
    markDirty();
  } else if (exchange_->channel == channel) {
    // A request of another application on this connection is none of this one's business.
    dropExchange(frames::kAbortClientClosed, true);
    close();
  }
}

void Connection::forgetShard(const QueueShard* shard) {
  if (exchange_ != nullptr && exchange_->shard == shard && exchange_->stage == ExchangeStage::kCacheWait) refuse(errors::kUnavailable);
  if (shard_ == shard) bindShard(nullptr);
}

}  // namespace httpsys
