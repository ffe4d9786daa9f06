#include "portable/engine.h"

#include <algorithm>
#include <utility>

#include "common/http_errors.h"
#include "portable/url_key.h"
#include "portable/limits.h"

namespace httpsys {

namespace {

// Each queue has its own bound (CACHE-10); the cache's is the most that any may choose.
CacheLimits widest(CacheLimits cache) {
  cache.entryBytes = limits::kCacheEntryBytesMax;
  return cache;
}

}  // namespace

Engine::Engine(const EngineOptions& options)
    : options_(options), cache_(widest(options.cache), [this](const std::vector<CacheWaiter>& waiters) { wake(waiters); }),
      startedMs_(uv_hrtime() / 1000000) {
  const uint32_t count = options.loop != nullptr ? 1 : std::max<uint32_t>(1, std::min(options.threads, limits::kThreadsMax));
  for (uint32_t i = 0; i < count; ++i) threads_.push_back(std::make_unique<IoThread>(this, i, options.loop));
}

Engine::~Engine() = default;

bool Engine::start(SystemError* error) {
  std::vector<SocketServer*> servers;
  for (size_t i = 0; i < threads_.size(); ++i) {
    SocketServer* server = nullptr;
    if (options_.loop == nullptr && i < options_.socketPaths.size()) {
      server = new SocketServer(threads_[i].get(), options_.socketPaths[i]);
      if (!server->open(error)) {
        server->abandon();
        for (SocketServer* other : servers) other->abandon();
        return false;
      }
      servers.push_back(server);
    }
  }
  size_t started = 0;
  int result = 0;
  while (started < threads_.size() && (result = threads_[started]->start()) == 0) ++started;
  if (result != 0) {
    error->code = result;
    error->syscall = "uv_loop_init";
    for (SocketServer* other : servers) other->abandon();
    // Those that run are ended here, for a thread that was not joined ends the process.
    for (size_t i = 0; i < started; ++i) threads_[i]->stop(nullptr);
    return false;
  }
  for (size_t i = 0; i < servers.size(); ++i) {
    IoThread* thread = threads_[i].get();
    thread->run([thread, server = servers[i]] {
      thread->socketServer = server;
      server->start();
    });
  }
  return true;
}

void Engine::close(std::function<void()> onClosed) {
  if (closed_) return;
  closed_ = true;
  // Only mode `loop` has to wait, and it has one thread. `onClosed` may delete this object.
  if (options_.loop != nullptr) {
    home().stop(std::move(onClosed));
    return;
  }
  for (const std::unique_ptr<IoThread>& thread : threads_) thread->stop(nullptr);
  onClosed();
}

void Engine::onEachThread(const std::function<void(IoThread*)>& task) {
  for (const std::unique_ptr<IoThread>& thread : threads_) {
    IoThread* one = thread.get();
    one->run([&task, one] { task(one); });
  }
}

bool Engine::listen(const std::string& host, uint16_t port, int backlog, uint16_t* bound, SystemError* error) {
  BoundSocket socket;
  if (!bindAndListen(host, port, backlog, &socket, error)) return false;
  *bound = socket.port;
  return startListener(host, socket.port, 0, socket, error);
}

bool Engine::listenAlone(uint32_t routeKey, const LoneAddress& where, int backlog, BoundSocket* bound, SystemError* error) {
  return bindAlone(where, backlog, bound, error) && startListener(std::string(), routeKey, routeKey, *bound, error);
}

bool Engine::startListener(const std::string& host, uint32_t port, uint32_t routeKey, const BoundSocket& socket, SystemError* error) {
  int result = 0;
  home().run([&] {
    Listener* listener = new Listener(&home(), host, port, routeKey, socket);
    result = listener->start(referenced_);
    if (result == 0) {
      home().listeners.push_back(listener);
    } else {
      listener->abandon();
    }
  });
  if (result == 0) return true;
  error->code = result;
  error->syscall = "listen";
  return false;
}

bool Engine::unlisten(const std::string& host, uint32_t port) {
  bool found = false;
  home().run([&] {
    std::vector<Listener*>& listeners = home().listeners;
    auto at = std::find_if(listeners.begin(), listeners.end(), [&](Listener* one) { return one->matches(host, port); });
    if (at == listeners.end()) return;
    found = true;
    (*at)->closeAndDelete();
    listeners.erase(at);
  });
  return found;
}

void Engine::setUrls(std::vector<UrlEntry> urls) {
  const auto routes = std::make_shared<const Routes>(std::move(urls));
  onEachThread([&](IoThread* thread) { thread->setRoutes(routes); });
}

bool Engine::openQueue(uint32_t queueId, const QueueOptions& options) {
  if (queueId == 0 || queues_.count(queueId) > 0) return false;
  auto queue = std::make_unique<RequestQueue>(queueId);
  queue->options = options;
  RequestQueue* opened = queue.get();
  queues_[queueId] = std::move(queue);
  onEachThread([&](IoThread* thread) { thread->openQueue(opened); });
  return true;
}

const QueueOptions* Engine::queueOptions(uint32_t queueId) const {
  auto at = queues_.find(queueId);
  return at == queues_.end() ? nullptr : &at->second->options;
}

bool Engine::setQueueOptions(uint32_t queueId, const QueueOptions& options) {
  auto at = queues_.find(queueId);
  if (at == queues_.end()) return false;
  at->second->options = options;
  onEachThread([&](IoThread* thread) { thread->setQueueOptions(queueId, options); });
  return true;
}

bool Engine::closeQueue(uint32_t queueId) {
  auto at = queues_.find(queueId);
  if (at == queues_.end()) return false;
  {
    std::lock_guard<std::mutex> guard(keysMutex_);
    for (auto key = keys_.begin(); key != keys_.end();) key = key->second == queueId ? keys_.erase(key) : std::next(key);
  }
  onEachThread([&](IoThread* thread) { thread->dropQueue(queueId); });
  queues_.erase(at);
  cache_.flushQueue(queueId);
  return true;
}

void Engine::allowAttach(const AttachKey& key, uint32_t queueId) {
  std::lock_guard<std::mutex> guard(keysMutex_);
  keys_[key] = queueId;
}

bool Engine::queueOfKey(const AttachKey& key, uint32_t* queueId) {
  std::lock_guard<std::mutex> guard(keysMutex_);
  auto at = keys_.find(key);
  if (at == keys_.end()) return false;
  *queueId = at->second;
  return true;
}

void Engine::revokeAttach(const AttachKey& key) {
  {
    std::lock_guard<std::mutex> guard(keysMutex_);
    keys_.erase(key);
  }
  if (options_.loop != nullptr) return;
  onEachThread([&](IoThread* thread) {
    // On a thread of mode `threads` every channel came in through its socket.
    const std::vector<Channel*> channels = thread->channels();
    for (Channel* channel : channels) {
      PipeChannel* pipe = static_cast<PipeChannel*>(channel);
      if (pipe->open() && pipe->attached() && pipe->key() == key) pipe->end();
    }
  });
}

uint32_t Engine::attach(uint32_t queueId, uint32_t credit, BatchSink sink) {
  QueueShard* shard = home().shard(queueId);
  if (shard == nullptr) return 0;
  LoopChannel* channel = new LoopChannel(&home(), nextChannel_++, std::move(sink));
  home().addChannel(channel);
  channel->attachTo(shard, credit);
  home().settleConnections();
  return channel->id();
}

bool Engine::submit(uint32_t channelId, const uint8_t* data, size_t length, const uint8_t* body, size_t bodyBytes, std::string* why) {
  Channel* channel = home().channelById(channelId);
  if (channel == nullptr) {
    *why = "the channel has ended";
    return false;
  }
  // The application may have worked for long since the loop looked at the clock.
  home().updateTime();
  size_t used = 0;
  bool ok = channel->handleFrames(data, length, &used);
  size_t taken = 0;
  if (ok && channel->open() && bodyBytes > 0) {
    used += channel->beginData(data + used, length - used);
    ok = channel->continueData(body, bodyBytes, &taken);
  }
  if (ok && channel->open() && (used < length || taken < bodyBytes || channel->inData())) {
    *why = "a frame is cut off at the end of the batch";
    ok = false;
  } else if (!ok) {
    *why = channel->error();
  }
  if (!ok) {
    home().counters.reject("Channel");
    channel->end();
  }
  home().settleConnections();
  return ok;
}

void Engine::detach(uint32_t channelId) {
  Channel* channel = home().channelById(channelId);
  if (channel == nullptr) return;
  channel->end();
  home().settleConnections();
}

void Engine::setReferenced(bool referenced) {
  referenced_ = referenced;
  if (options_.loop == nullptr) return;
  for (Listener* listener : home().listeners) listener->setReferenced(referenced);
}

size_t Engine::flushCache(uint32_t queueId, std::string_view url, bool recursive) {
  std::string key;
  return urlKey(url, &key) ? cache_.flush(queueId, key, recursive) : 0;
}

bool Engine::takeWideWindow() {
  const uint32_t most = options_.loop != nullptr ? limits::kWideWindowsMax : limits::kWideWindowsStreamedMax;
  if (wideWindows_.fetch_add(1, std::memory_order_relaxed) < most) return true;
  giveWideWindow();
  return false;
}

void Engine::place(Socket socket, uint32_t routeKey) {
  if (connections_.load(std::memory_order_relaxed) >= options_.maxConnections) {
    home().counters.reject(errors::kConnectionLimit.reason);
    closeSocket(socket);
    return;
  }
  connections_.fetch_add(1, std::memory_order_relaxed);
  IoThread* thread = threads_[turn_].get();
  turn_ = (turn_ + 1) % threads_.size();
  if (thread == &home()) {
    thread->adopt(socket, routeKey);
  } else {
    thread->post([thread, socket, routeKey] { thread->adopt(socket, routeKey); });
  }
}

// Requests may still wait for it on threads whose own channels went before the last one did.
void Engine::queueAbandoned(uint32_t queueId) {
  if (threads_.size() < 2) return;
  for (const std::unique_ptr<IoThread>& thread : threads_) {
    IoThread* one = thread.get();
    one->post([one, queueId] { one->queueAbandoned(queueId); });
  }
}

void Engine::wake(const std::vector<CacheWaiter>& waiters) {
  for (const std::unique_ptr<IoThread>& thread : threads_) {
    std::vector<CacheWaiter> own;
    for (const CacheWaiter& waiter : waiters) {
      if (waiter.thread == thread->index()) own.push_back(waiter);
    }
    if (own.empty()) continue;
    IoThread* one = thread.get();
    one->post([one, own = std::move(own)] {
      for (const CacheWaiter& waiter : own) one->wake(waiter);
    });
  }
}

EngineState Engine::state() {
  EngineState state;
  state.uptimeMs = uv_hrtime() / 1000000 - startedMs_;
  state.threads = threads_.size();
  state.cache = cache_.stats();
  std::map<uint32_t, QueueState> queues;
  for (const auto& [id, queue] : queues_) {
    QueueState& one = queues[id];
    one.id = id;
    one.depth = queue->depth.load(std::memory_order_relaxed);
    one.attached = queue->attached.load(std::memory_order_relaxed);
    one.connections = queue->connections.load(std::memory_order_relaxed);
    one.enabled = queue->options.enabled;
  }
  std::map<std::pair<uint32_t, uint32_t>, UrlState> urls;
  for (const std::unique_ptr<IoThread>& thread : threads_) {
    ThreadCounters& counters = thread->counters;
    state.connections += counters.connections.get();
    state.accepted += counters.accepted.get();
    state.requests += counters.requests.get();
    state.hits += counters.hits.get();
    state.bytesIn += counters.bytesIn.get();
    state.bytesOut += counters.bytesOut.get();
    std::lock_guard<std::mutex> guard(counters.mutex);
    for (const auto& [reason, count] : counters.rejections) state.rejections[reason] += count;
    for (const auto& [id, one] : counters.queues) {
      auto at = queues.find(id);
      if (at == queues.end()) continue;
      at->second.requests += one->requests.get();
      at->second.hits += one->hits.get();
      at->second.inFlight += one->inFlight.get();
      at->second.upgraded += one->upgraded.get();
      at->second.bytesOut += one->bytesOut.get();
    }
    for (const auto& [key, one] : counters.urls) {
      UrlState& url = urls[key];
      url.queueId = key.first;
      url.urlContext = key.second;
      url.requests += one->requests.get();
      url.hits += one->hits.get();
    }
  }
  for (const auto& [id, queue] : queues) state.queues.push_back(queue);
  for (const auto& [key, url] : urls) state.urls.push_back(url);
  return state;
}

}  // namespace httpsys
