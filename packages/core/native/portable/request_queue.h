// Request queues: bounded, and pull-based by the credit of their channels (QUEUE-8, QUEUE-9).
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "common/http_errors.h"
#include "portable/counters.h"
#include "portable/exchange.h"

namespace httpsys {

class Channel;
class Connection;
class IoThread;

// Limits and timeouts as the control plane gives them: seconds, 0 = the engine's default, negative = none.
struct QueueOptions {
  uint32_t queueLength = 1000;
  bool enabled = true;
  uint64_t maxRequestBodyBytes = 0;
  uint32_t maxConnections = 0;
  double entityBody = 0, drainEntityBody = 0, requestQueue = 0, idleConnection = 0, headerWait = 0;
  double minSendRate = 0;
  uint32_t cacheEntryBytes = 262144;
  double idleGrace = 0;      // seconds an idle connection lives beyond what its client is told
  double wholeRequest = -1;  // seconds for a request with its body; 0 and less: none
  uint32_t headBytes = 0;    // of one request; 0: the engine's limit
  bool requireHost = true;
  bool emptyHost = false;
  bool requireLength = true;
  bool halfClose = true;      // a client that ended its side may still get its answer (GONE-3)
  bool clientErrors = false;  // the application takes clients whose requests are malformed
  bool connections = false;   // the application is told of clients when they connect
};

// The same for the hot path: milliseconds, 0 = none.
struct QueueSettings {
  static constexpr double kTimeoutSeconds = 120;
  static constexpr double kMinSendRate = 150;

  QueueSettings() { apply(QueueOptions()); }
  void apply(const QueueOptions& options);

  uint32_t queueLength = 1000;
  bool enabled = true;
  uint64_t maxRequestBodyBytes = 0;
  uint32_t maxConnections = 0;
  uint64_t entityBodyMs = 0, drainMs = 0, queueMs = 0, idleMs = 0, headerMs = 0;
  uint64_t minSendRate = 0;
  uint32_t cacheEntryBytes = 262144;
  uint64_t wholeRequestMs = 0;
  uint32_t headBytes = 0;
  bool requireHost = true;
  bool emptyHost = false;
  bool requireLength = true;
  bool halfClose = true;
  bool clientErrors = false;
  bool connections = false;
  std::string keepAliveFields;  // "Connection: keep-alive" with the idle timeout, as node:http words it
};

// What the I/O threads share of a queue.
struct RequestQueue {
  explicit RequestQueue(uint32_t queueId) : id(queueId) {}
  const uint32_t id;
  std::atomic<uint32_t> depth{0};        // waiting, un-received requests
  std::atomic<uint32_t> attached{0};     // channels
  std::atomic<uint32_t> connections{0};  // client connections whose last request went here
  QueueOptions options;                  // of the control plane's thread
};

// One thread's part of a queue: its channels and the requests that wait on its connections.
class QueueShard {
 public:
  QueueShard(IoThread* thread, RequestQueue* queue, QueueCounters* counters);
  QueueShard(const QueueShard&) = delete;
  QueueShard& operator=(const QueueShard&) = delete;

  uint32_t id() const { return queue_->id; }
  RequestQueue* queue() const { return queue_; }
  const QueueSettings& settings() const { return settings_; }
  QueueCounters& counters() { return *counters_; }
  void applyOptions(const QueueOptions& options) { settings_.apply(options); }

  void attach(Channel* channel);
  void detach(Channel* channel);
  const std::vector<Channel*>& channels() const { return channels_; }
  // One that can be told something beside requests; null when there is none, or none that reads.
  Channel* listeningChannel() const;

  // The channel that gets the next request at once; null when none has credit or others wait already.
  Channel* pick();
  // Whether anyone may ever take a request from here.
  bool served() const { return queue_->attached.load(std::memory_order_relaxed) > 0; }
  // False when the queue is full.
  bool wait(Exchange* exchange);
  void leave(Exchange* exchange);
  // Hands waiting requests to channels that have credit.
  void pump();
  // Answers everything that waits with 503.
  void refuseWaiting(const ParseError& error);

 private:
  Channel* nextWithCredit();

  IoThread* thread_;
  RequestQueue* queue_;
  QueueCounters* counters_;
  QueueSettings settings_;
  std::vector<Channel*> channels_;
  size_t turn_ = 0;
  ExchangeList waiting_;
  bool pumping_ = false;
};

}  // namespace httpsys
