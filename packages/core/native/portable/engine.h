// The portable engine: the control plane's view of listeners, routes, queues, cache and I/O threads.
//
// Made in this order: cache, threads (handles, then running), data sockets; listeners and queues as they are asked for.
// Taken down in this order: listeners, client connections, channels, data sockets, loop handles (all by each thread for itself), then the
// threads, the queues, the cache. All functions are for the thread that made the engine, unless said otherwise.
#pragma once

#include <uv.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/http_parser.h"
#include "portable/cache.h"
#include "portable/data_socket.h"
#include "portable/engine_state.h"
#include "portable/io_thread.h"
#include "portable/listener.h"
#include "portable/loop_channel.h"
#include "portable/request_queue.h"

namespace httpsys {

struct EngineOptions {
  uv_loop_t* loop = nullptr;  // mode `loop`; else `threads`
  uint32_t threads = 1;
  std::vector<std::string> socketPaths;
  CacheLimits cache;
  uint32_t maxConnections = 100000;
  ParserLimits parser;
};

class Engine {
 public:
  explicit Engine(const EngineOptions& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  bool start(SystemError* error);
  // `onClosed` runs when nothing of the engine is left on the loop; in mode `threads` before the return.
  void close(std::function<void()> onClosed);

  bool listen(const std::string& host, uint16_t port, int backlog, uint16_t* bound, SystemError* error);
  // A listener that shares its address with nobody: its connections are routed by `routeKey`, whatever their port.
  bool listenAlone(uint32_t routeKey, const LoneAddress& where, int backlog, BoundSocket* bound, SystemError* error);
  // False: nothing listens there. For a lone listener: its route key, and no host.
  bool unlisten(const std::string& host, uint32_t port);
  void setUrls(std::vector<UrlEntry> urls);

  // False: the queue exists already (open) or does not (the others).
  bool openQueue(uint32_t queueId, const QueueOptions& options);
  bool setQueueOptions(uint32_t queueId, const QueueOptions& options);
  bool closeQueue(uint32_t queueId);
  const QueueOptions* queueOptions(uint32_t queueId) const;

  void allowAttach(const AttachKey& key, uint32_t queueId);
  void revokeAttach(const AttachKey& key);

  // Mode `loop`. 0: no such queue.
  uint32_t attach(uint32_t queueId, uint32_t credit, BatchSink sink);
  // False: malformed frames; the channel has ended and `why` says what was wrong.
  // The body is that of a DATA frame with whose header the batch ends.
  bool submit(uint32_t channelId, const uint8_t* data, size_t length, const uint8_t* body, size_t bodyBytes, std::string* why);
  void detach(uint32_t channelId);
  void setReferenced(bool referenced);

  size_t flushCache(uint32_t queueId, std::string_view url, bool recursive);
  EngineState state();

  // From any I/O thread.
  Cache* cache() { return &cache_; }
  const CacheLimits& cacheLimits() const { return options_.cache; }
  const ParserLimits& parserLimits() const { return options_.parser; }
  // Gives an accepted socket to the next thread in turn.
  void place(Socket socket, uint32_t routeKey);
  void connectionEnded() { connections_.fetch_sub(1, std::memory_order_relaxed); }
  void queueAbandoned(uint32_t queueId);
  // False: as many as may be are out.
  bool takeWideWindow();
  void giveWideWindow() { wideWindows_.fetch_sub(1, std::memory_order_relaxed); }
  bool queueOfKey(const AttachKey& key, uint32_t* queueId);

 private:
  void onEachThread(const std::function<void(IoThread*)>& task);
  void wake(const std::vector<CacheWaiter>& waiters);
  bool startListener(const std::string& host, uint32_t port, uint32_t routeKey, const BoundSocket& socket, SystemError* error);
  IoThread& home() { return *threads_[0]; }

  EngineOptions options_;
  Cache cache_;
  std::map<uint32_t, std::unique_ptr<RequestQueue>> queues_;
  std::mutex keysMutex_;
  std::map<AttachKey, uint32_t> keys_;
  std::atomic<uint32_t> connections_{0};
  std::atomic<uint32_t> wideWindows_{0};
  size_t turn_ = 0;
  uint32_t nextChannel_ = 1;
  uint64_t startedMs_;
  bool referenced_ = true;
  bool closed_ = false;
  // Destroyed first: each looks through what was still in its mailbox.
  std::vector<std::unique_ptr<IoThread>> threads_;
};

}  // namespace httpsys
