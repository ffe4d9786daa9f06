// A connection's deadline: it has one at a time, for what it waits for now (http-server-api.md section 8.2).
#include <algorithm>

#include "common/http_errors.h"
#include "portable/connection.h"
#include "portable/io_thread.h"
#include "portable/limits.h"
#include "portable/request_queue.h"

namespace httpsys {

uint64_t Connection::headerMs() const { return shard_ != nullptr ? shard_->settings().headerMs : thread_->portRules(routePort_).headerMs; }

uint64_t Connection::idleMs() const { return shard_ != nullptr ? shard_->settings().idleMs : thread_->portRules(routePort_).idleMs; }

// Until the next piece of the body must come; the whole request may have less time left.
uint64_t Connection::bodyMs() const {
  const QueueSettings& rules = settings();
  if (rules.wholeRequestMs == 0) return rules.entityBodyMs;
  const uint64_t end = exchange_->startedMs + rules.wholeRequestMs;
  const uint64_t left = end > thread_->nowMs() ? end - thread_->nowMs() : 1;
  return rules.entityBodyMs == 0 ? left : std::min(left, rules.entityBodyMs);
}

void Connection::startDeadline(Deadline kind, uint64_t ms) {
  deadline_ = kind;
  if (ms == 0) {
    thread_->timers.clear(this);
  } else {
    thread_->timers.set(this, thread_->nowMs() + ms);
  }
}

void Connection::setDeadline() {
  if (lingering_) return;
  if (handed_ != nullptr) {
    if (deadline_ != Deadline::kRaw) startDeadline(Deadline::kRaw, limits::kRawMs);
    return;
  }
  if (cutOff_) {
    if (deadline_ != Deadline::kLinger) startDeadline(Deadline::kLinger, limits::kLingerMs);
    return;
  }
  // What two programs say to each other in a protocol of their own may take as long as they like, as with node:http.
  if (isTaken() && exchange_->bodyDone) {
    if (deadline_ != Deadline::kNone) startDeadline(Deadline::kNone, 0);
    return;
  }
  if (outBlocked_) {
    if (deadline_ != Deadline::kSendRate) {
      sendMark_ = sent_;
      startDeadline(Deadline::kSendRate, settings().minSendRate == 0 ? 0 : limits::kSendRatePeriodMs);
    }
    return;
  }
  if (exchange_ == nullptr) {
    // A head must be complete in time however its bytes drip; a connection between requests may rest.
    if (in_ == nullptr) {
      if (shard_ != nullptr || deadline_ != Deadline::kHeader) startDeadline(Deadline::kIdle, idleMs());
    } else if (deadline_ != Deadline::kHeader) {
      startDeadline(Deadline::kHeader, headerMs());
    }
    return;
  }
  switch (exchange_->stage) {
    case ExchangeStage::kQueued:
    case ExchangeStage::kCacheWait:
      if (deadline_ != Deadline::kQueue) startDeadline(Deadline::kQueue, settings().queueMs);
      return;
    case ExchangeStage::kAnswered:
      if (deadline_ != Deadline::kDrain) startDeadline(Deadline::kDrain, settings().drainMs);
      return;
    case ExchangeStage::kNew:
      return;
    case ExchangeStage::kDelivered:
    case ExchangeStage::kReading:
      if (!exchange_->bodyDone) {
        if (!bodyBlocked()) {
          startDeadline(Deadline::kBody, bodyMs());
          return;
        }
        // Nothing but this ends a request whose client has left and whose application does not read on.
        if (hungUp_) {
          if (deadline_ != Deadline::kBody) startDeadline(Deadline::kBody, settings().entityBodyMs);
          return;
        }
      } else if (readClosed_ || hungUp_) {
        if (deadline_ != Deadline::kHalfClose) startDeadline(Deadline::kHalfClose, limits::kHalfCloseMs);
        return;
      }
      if (deadline_ != Deadline::kNone) startDeadline(Deadline::kNone, 0);
      return;
  }
}

void Connection::onDeadline() {
  if (closed_) return;
  const Deadline kind = deadline_;
  deadline_ = Deadline::kNone;
  // What it was for may be over already: `settle` is to come, and sets the one that holds now.
  if (dirty_) return;
  switch (kind) {
    case Deadline::kNone:
      return;
    case Deadline::kHeader:
      // A client that has said nothing gets no answer, unless a program knows of it and gives one.
      if (in_ == nullptr && announced_.empty() && clientErrorTaker() == nullptr) {
        close();
        return;
      }
      if (!handOver(errors::kHeaderTimeout, std::string_view(), 0)) sendPage(errors::kHeaderTimeout, true);
      settle();
      return;
    case Deadline::kIdle:
    case Deadline::kRaw:
    case Deadline::kLinger:
      close();
      return;
    case Deadline::kQueue:
      refuse(kQueueTimeout);
      return;
    case Deadline::kBody:
      if (exchange_->headSent) {
        thread_->counters.reject(errors::kBodyTimeout.reason);
        abort(frames::kAbortTimeout);
        return;
      }
      if (!handOver(errors::kBodyTimeout, std::string_view(), 0)) {
        const bool withBody = !exchange_->headMethod;
        dropExchange(frames::kAbortTimeout, true);
        sendPage(errors::kBodyTimeout, withBody);
      }
      settle();
      return;
    case Deadline::kDrain:
      close();
      return;
    case Deadline::kSendRate: {
      const uint64_t due = settings().minSendRate * limits::kSendRatePeriodMs / 1000;
      if (sent_ - sendMark_ < due) {
        thread_->counters.reject("Timer_MinBytesPerSecond");
        abort(frames::kAbortTimeout);
        return;
      }
      setDeadline();
      return;
    }
    case Deadline::kHalfClose:
      abort(frames::kAbortClientClosed);
      return;
  }
}

}  // namespace httpsys
