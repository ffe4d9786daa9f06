// One event loop of the engine: client connections, channels and what they share without locks. In mode `threads` it has its own thread,
// in mode `loop` it lives on the caller's loop.
#pragma once

#include <uv.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "common/byte_buffer.h"
#include "common/http_parser.h"
#include "common/slots.h"
#include "portable/cache.h"
#include "portable/counters.h"
#include "portable/exchange.h"
#include "portable/prefix_table.h"
#include "portable/request_queue.h"
#include "portable/socket_calls.h"
#include "portable/timers.h"

namespace httpsys {

class Channel;
class Connection;
class Engine;
class Listener;
class SocketServer;

// A snapshot of the routing table; every thread holds the one it was given last.
struct Routes {
  explicit Routes(std::vector<UrlEntry> entries) : table(std::move(entries)) {}
  PrefixTable table;
};

// What a route leads to on this thread.
struct RouteTarget {
  QueueShard* shard = nullptr;  // null: the queue is not there (any more)
  UrlCounters* url = nullptr;
  uint32_t urlContext = 0;
  bool resolved = false;
};

// What holds for a connection whose next request is not routed yet: the most that any queue on its port allows.
struct PortRules {
  uint64_t headerMs = 0, idleMs = 0;  // 0 = none
  ParserLimits parser;
  QueueShard* sole = nullptr;  // the queue that all URLs of the port belong to, when there is only one
};

class IoThread {
 public:
  // `shared` is the caller's loop in mode `loop`; without it the thread makes its own in `start`.
  IoThread(Engine* engine, uint32_t index, uv_loop_t* shared);
  ~IoThread();
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  // Returns 0 or a libuv error.
  int start();
  bool stopping() const { return stopping_; }
  // Closes every handle. Mode `loop`: `onClosed` runs when the last one is gone; mode `threads`: the thread has ended on return, and
  // `onClosed` is not used.
  void stop(std::function<void()> onClosed);

  // Runs the task on this thread; from any thread.
  void post(std::function<void()> task);
  // The same, and waits for it; at once when called on the loop itself (mode `loop`).
  void run(const std::function<void()>& task);

  Engine* engine() const { return engine_; }
  uint32_t index() const { return index_; }
  uv_loop_t* loop() const { return loop_; }
  bool threaded() const { return threaded_; }
  uint64_t nowMs() const { return uv_now(loop_); }
  // "Date: ...\r\n", fresh to the second.
  std::string_view dateLine();
  int64_t wallSeconds();
  Cache* cache() const { return cache_; }
  const ParserLimits& parserLimits(uint32_t port);
  const QueueSettings& defaultSettings() const { return defaultSettings_; }
  const PortRules& portRules(uint32_t port);

  // Per-thread scratch, reused by every connection.
  char* readBuffer() { return readBuffer_.get(); }
  ByteBuffer& channelBuffer() { return channelBuffer_; }
  RequestHead& requestHead() { return head_; }
  std::string& pathScratch() { return pathScratch_; }
  std::string& keyScratch() { return keyScratch_; }
  std::shared_ptr<const CachedResponse>& entryScratch() { return entryScratch_; }
  ByteBuffer* takeBuffer();
  void giveBuffer(ByteBuffer* buffer);

  RouteStatus route(uint32_t port, std::string_view localAddress, std::string_view host, std::string_view path, const RouteTarget** target);
  void setRoutes(std::shared_ptr<const Routes> routes);
  void openQueue(RequestQueue* queue);
  void setQueueOptions(uint32_t queueId, const QueueOptions& options);
  QueueShard* shard(uint32_t queueId) const;
  void dropQueue(uint32_t queueId);
  // The last channel of a queue has gone, on whichever thread.
  void queueAbandoned(uint32_t queueId);

  // Connections.
  // `routeKey` is that of its listener; 0: the connection's own port.
  void adopt(Socket socket, uint32_t routeKey);
  Connection* connection(uint32_t id) const { return connections_.find(id); }
  Connection* firstConnection() const { return firstConnection_; }
  void unlinkConnection(Connection* connection);
  void connectionGone(Connection* connection);
  void connectionDirty(Connection* connection);
  // Writes what a batch of frames has composed: responses to one connection leave together.
  void settleConnections();

  // Exchanges; null when every id is taken.
  Exchange* newExchange();
  void keepSpare(Exchange* exchange) { spare_ = exchange; }
  void freeExchange(Exchange* exchange);
  void retireId(Exchange* exchange);
  Exchange* exchange(uint32_t id) const { return exchanges_.find(id); }
  void wake(const CacheWaiter& waiter);

  // Channels.
  void addChannel(Channel* channel) { channels_.push_back(channel); }
  void channelDirty(Channel* channel);
  void forgetChannel(Channel* channel);
  const std::vector<Channel*>& channels() const { return channels_; }
  Channel* channelById(uint32_t id) const;

  void updateTime() { uv_update_time(loop_); }

  // Handles whose close callbacks are still to come.
  void handleOpened() { ++openHandles_; }
  void handleClosed();

  ThreadCounters counters;
  Timers timers;
  SocketServer* socketServer = nullptr;
  std::vector<Listener*> listeners;

 private:
  void openHandles();
  void closeHandles();
  void drainMailbox();
  void forgetTargets();
  void endOfIteration();
  void wantTurn();
  void rest();
  void forgetPortRules();

  Engine* engine_;
  Cache* cache_;
  const uint32_t index_;
  const bool threaded_;
  uv_loop_t* loop_;
  uv_loop_t ownLoop_;
  std::thread thread_;
  uv_async_t async_;
  uv_check_t check_;
  uv_idle_t idle_;
  uv_timer_t scavenger_;
  uint32_t openHandles_ = 0;
  bool stopping_ = false;
  bool turnWanted_ = false;
  std::function<void()> onClosed_;

  std::mutex mailboxMutex_;
  std::vector<std::function<void()>> mailbox_;
  bool mailboxClosed_ = false;

  uint64_t dateNow_ = UINT64_MAX;
  int64_t wallSeconds_ = -1;
  char date_[64];
  size_t dateBytes_ = 0;

  std::unique_ptr<char[]> readBuffer_;
  ByteBuffer channelBuffer_;
  RequestHead head_;
  std::string pathScratch_, keyScratch_;
  std::shared_ptr<const CachedResponse> entryScratch_;
  std::vector<ByteBuffer*> freeBuffers_;
  QueueSettings defaultSettings_;

  std::shared_ptr<const Routes> routes_;
  std::vector<RouteTarget> targets_;  // by the entry's place in the table
  std::unordered_map<uint32_t, PortRules> portRules_;
  bool ownParserRules_ = false;  // some queue has parser limits of its own
  std::unordered_map<uint32_t, std::unique_ptr<QueueShard>> shards_;

  SlotTable<Connection> connections_;
  Connection* firstConnection_ = nullptr;
  std::vector<Connection*> freeConnections_;
  std::vector<Connection*> dirtyConnections_;
  SlotTable<Exchange> exchanges_;
  std::vector<Exchange*> freeExchanges_;
  Exchange* spare_ = nullptr;
  std::vector<Channel*> channels_;
  std::vector<Channel*> dirtyChannels_, flushing_;
  std::vector<Channel*> buriedChannels_;
};

}  // namespace httpsys
