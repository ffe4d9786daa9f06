#include "portable/request_queue.h"

#include <algorithm>
#include <cmath>

#include "common/http_errors.h"
#include "portable/channel.h"
#include "portable/connection.h"
#include "portable/engine.h"
#include "portable/io_thread.h"
#include "portable/limits.h"

namespace httpsys {

namespace {

uint64_t timeoutMs(double seconds) {
  if (seconds < 0) return 0;
  const double chosen = seconds == 0 ? QueueSettings::kTimeoutSeconds : std::min(seconds, 65535.0);
  return std::max<uint64_t>(1, static_cast<uint64_t>(std::llround(chosen * 1000)));
}

}  // namespace

void QueueSettings::apply(const QueueOptions& options) {
  queueLength = std::max<uint32_t>(1, std::min<uint32_t>(options.queueLength, 1000000));
  enabled = options.enabled;
  maxRequestBodyBytes = options.maxRequestBodyBytes;
  maxConnections = options.maxConnections;
  entityBodyMs = timeoutMs(options.entityBody);
  drainMs = timeoutMs(options.drainEntityBody);
  queueMs = timeoutMs(options.requestQueue);
  idleMs = timeoutMs(options.idleConnection);
  headerMs = timeoutMs(options.headerWait);
  minSendRate = options.minSendRate < 0 ? 0 : static_cast<uint64_t>(options.minSendRate == 0 ? kMinSendRate : options.minSendRate);
  cacheEntryBytes = std::min(options.cacheEntryBytes, limits::kCacheEntryBytesMax);
  keepAliveFields = "Connection: keep-alive\r\n";
  wholeRequestMs = options.wholeRequest <= 0 ? 0 : timeoutMs(options.wholeRequest);
  headBytes = options.headBytes;
  requireHost = options.requireHost;
  emptyHost = options.emptyHost;
  requireLength = options.requireLength;
  halfClose = options.halfClose;
  clientErrors = options.clientErrors;
  connections = options.connections;
  const uint64_t seconds = idleMs / 1000;
  if (seconds > 0) keepAliveFields += "Keep-Alive: timeout=" + std::to_string(seconds) + "\r\n";
  if (idleMs > 0 && options.idleGrace > 0) idleMs += timeoutMs(options.idleGrace);
}

QueueShard::QueueShard(IoThread* thread, RequestQueue* queue, QueueCounters* counters)
    : thread_(thread), queue_(queue), counters_(counters) {
  settings_.apply(queue->options);
}

void QueueShard::attach(Channel* channel) {
  channels_.push_back(channel);
  queue_->attached.fetch_add(1, std::memory_order_relaxed);
}

void QueueShard::detach(Channel* channel) {
  auto at = std::find(channels_.begin(), channels_.end(), channel);
  if (at == channels_.end()) return;
  channels_.erase(at);
  const bool last = queue_->attached.fetch_sub(1, std::memory_order_relaxed) == 1;
  if (served()) {
    pump();
    return;
  }
  refuseWaiting(errors::kUnavailable);
  if (last) thread_->engine()->queueAbandoned(id());
}

Channel* QueueShard::listeningChannel() const {
  for (Channel* channel : channels_) {
    if (channel->hasRoom()) return channel;
  }
  return nullptr;
}

Channel* QueueShard::nextWithCredit() {
  const size_t count = channels_.size();
  for (size_t i = 0; i < count; ++i) {
    if (turn_ >= count) turn_ = 0;
    Channel* channel = channels_[turn_++];
    if (channel->takesRequests()) return channel;
  }
  return nullptr;
}

Channel* QueueShard::pick() { return waiting_.empty() ? nextWithCredit() : nullptr; }

bool QueueShard::wait(Exchange* exchange) {
  // The bound holds over all threads; an overshoot by one per thread would need two of them in this line at once.
  if (queue_->depth.load(std::memory_order_relaxed) >= settings_.queueLength) return false;
  queue_->depth.fetch_add(1, std::memory_order_relaxed);
  exchange->stage = ExchangeStage::kQueued;
  waiting_.append(exchange);
  return true;
}

void QueueShard::leave(Exchange* exchange) {
  waiting_.remove(exchange);
  queue_->depth.fetch_sub(1, std::memory_order_relaxed);
}

void QueueShard::pump() {
  if (pumping_) return;
  pumping_ = true;
  while (Exchange* exchange = waiting_.first()) {
    Channel* channel = nextWithCredit();
    if (channel == nullptr) break;
    leave(exchange);
    exchange->connection->deliverWaiting(exchange, channel);
  }
  pumping_ = false;
}

void QueueShard::refuseWaiting(const ParseError& error) {
  while (Exchange* exchange = waiting_.first()) {
    // Refusing takes it off this list.
    exchange->connection->refuse(error);
  }
}

}  // namespace httpsys
