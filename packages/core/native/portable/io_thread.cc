#include "portable/io_thread.h"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <future>

#include "common/http_date.h"
#include "common/http_errors.h"
#include "portable/channel.h"
#include "portable/connection.h"
#include "portable/data_socket.h"
#include "portable/engine.h"
#include "portable/limits.h"
#include "portable/listener.h"
#include "portable/thread_signals.h"

namespace httpsys {

IoThread::IoThread(Engine* engine, uint32_t index, uv_loop_t* shared)
    : engine_(engine), cache_(engine->cache()), index_(index), threaded_(shared == nullptr), loop_(shared),
      readBuffer_(new char[limits::kReadBytes]) {}

IoThread::~IoThread() {
  // Sockets that were handed over while the thread ended are closed by the tasks themselves.
  drainMailbox();
  for (Channel* channel : buriedChannels_) delete channel;
  for (ByteBuffer* buffer : freeBuffers_) delete buffer;
  for (Connection* connection : freeConnections_) delete connection;
  for (Exchange* exchange : freeExchanges_) delete exchange;
  delete spare_;
}

int IoThread::start() {
  if (!threaded_) {
    openHandles();
    return 0;
  }
  const int result = uv_loop_init(&ownLoop_);
  if (result != 0) return result;
  loop_ = &ownLoop_;
  openHandles();
  const SignalsBlocked blocked;
  thread_ = std::thread([this] { uv_run(loop_, UV_RUN_DEFAULT); });
  return 0;
}

void IoThread::openHandles() {
  uv_async_init(loop_, &async_, [](uv_async_t* async) {
    IoThread* self = static_cast<IoThread*>(async->data);
    self->drainMailbox();
    self->settleConnections();
  });
  uv_check_init(loop_, &check_);
  uv_idle_init(loop_, &idle_);
  uv_timer_init(loop_, &scavenger_);
  for (uv_handle_t* handle : {reinterpret_cast<uv_handle_t*>(&async_), reinterpret_cast<uv_handle_t*>(&check_),
                              reinterpret_cast<uv_handle_t*>(&idle_), reinterpret_cast<uv_handle_t*>(&scavenger_)}) {
    handle->data = this;
    handleOpened();
    // On a loop of its own the mailbox keeps the thread running; on the application's only sockets may do so.
    if (!threaded_ || handle != reinterpret_cast<uv_handle_t*>(&async_)) uv_unref(handle);
  }
  uv_check_start(&check_, [](uv_check_t* check) { static_cast<IoThread*>(check->data)->endOfIteration(); });
  timers.open(loop_);
  handleOpened();
  if (index_ == 0) {
    const uint64_t period = engine_->cacheLimits().scavengePeriodMs;
    uv_timer_start(
        &scavenger_, [](uv_timer_t* timer) {
          IoThread* self = static_cast<IoThread*>(timer->data);
          self->cache()->scavenge(self->nowMs());
        }, period, period);
  }
}

void IoThread::stop(std::function<void()> onClosed) {
  if (!threaded_) {
    onClosed_ = std::move(onClosed);
    closeHandles();
    return;
  }
  post([this] { closeHandles(); });
  thread_.join();
  uv_loop_close(&ownLoop_);
}

// Order: no new connections, no connections, no channels, then the loop's own handles.
void IoThread::closeHandles() {
  stopping_ = true;
  {
    std::lock_guard<std::mutex> guard(mailboxMutex_);
    mailboxClosed_ = true;
  }
  for (Listener* listener : listeners) listener->closeAndDelete();
  listeners.clear();
  while (firstConnection_ != nullptr) firstConnection_->close();
  while (!channels_.empty()) channels_.back()->end();
  if (socketServer != nullptr) socketServer->closeAndDelete();
  socketServer = nullptr;
  auto onClosed = [](uv_handle_t* handle) { static_cast<IoThread*>(handle->data)->handleClosed(); };
  uv_close(reinterpret_cast<uv_handle_t*>(&async_), onClosed);
  uv_close(reinterpret_cast<uv_handle_t*>(&check_), onClosed);
  uv_close(reinterpret_cast<uv_handle_t*>(&idle_), onClosed);
  uv_close(reinterpret_cast<uv_handle_t*>(&scavenger_), onClosed);
  timers.close(onClosed, this);
}

void IoThread::handleClosed() {
  if (--openHandles_ > 0 || threaded_ || !stopping_) return;
  // May delete this object.
  std::function<void()> onClosed = std::move(onClosed_);
  if (onClosed) onClosed();
}

void IoThread::post(std::function<void()> task) {
  std::lock_guard<std::mutex> guard(mailboxMutex_);
  const bool first = mailbox_.empty();
  mailbox_.push_back(std::move(task));
  // Another thread may still post while this one ends: what is left then is worked off by the destructor.
  if (first && !mailboxClosed_) uv_async_send(&async_);
}

void IoThread::run(const std::function<void()>& task) {
  if (!threaded_) {
    task();
    settleConnections();
    return;
  }
  std::promise<void> done;
  post([&] {
    task();
    done.set_value();
  });
  done.get_future().wait();
}

void IoThread::drainMailbox() {
  std::vector<std::function<void()>> tasks;
  {
    std::lock_guard<std::mutex> guard(mailboxMutex_);
    tasks.swap(mailbox_);
  }
  for (const std::function<void()>& task : tasks) task();
}

// Makes the loop come round without waiting, so that what was prepared outside of its poll phase is sent.
void IoThread::wantTurn() {
  if (turnWanted_ || stopping_) return;
  turnWanted_ = true;
  uv_idle_start(&idle_, [](uv_idle_t*) {});
}

void IoThread::rest() {
  if (!turnWanted_ || !dirtyChannels_.empty() || !dirtyConnections_.empty()) return;
  turnWanted_ = false;
  if (!stopping_) uv_idle_stop(&idle_);
}

void IoThread::connectionDirty(Connection* connection) {
  dirtyConnections_.push_back(connection);
  wantTurn();
}

void IoThread::settleConnections() {
  for (size_t i = 0; i < dirtyConnections_.size(); ++i) dirtyConnections_[i]->settle();
  dirtyConnections_.clear();
  rest();
}

void IoThread::channelDirty(Channel* channel) {
  dirtyChannels_.push_back(channel);
  wantTurn();
}

void IoThread::endOfIteration() {
  if (!dirtyConnections_.empty()) settleConnections();
  if (!dirtyChannels_.empty()) {
    // A channel of mode `loop` runs the application here, which may end channels and prepare frames for the next turn.
    flushing_.swap(dirtyChannels_);
    for (Channel* channel : flushing_) channel->flush();
    flushing_.clear();
    rest();
  }
  if (buriedChannels_.empty()) return;
  for (Channel* channel : buriedChannels_) {
    dirtyChannels_.erase(std::remove(dirtyChannels_.begin(), dirtyChannels_.end(), channel), dirtyChannels_.end());
    delete channel;
  }
  buriedChannels_.clear();
}

void IoThread::forgetChannel(Channel* channel) {
  channels_.erase(std::remove(channels_.begin(), channels_.end(), channel), channels_.end());
  for (Connection* connection = firstConnection_; connection != nullptr; connection = connection->nextConnection()) {
    connection->forgetChannel(channel);
  }
  // Deleted at the end of the iteration: its own frames may be being worked off further up the stack.
  buriedChannels_.push_back(channel);
}

Channel* IoThread::channelById(uint32_t id) const {
  for (Channel* channel : channels_) {
    if (channel->id() == id) return channel;
  }
  return nullptr;
}

int64_t IoThread::wallSeconds() {
  const uint64_t now = nowMs();
  if (now != dateNow_) {
    dateNow_ = now;
    const int64_t seconds = static_cast<int64_t>(std::time(nullptr));
    if (seconds != wallSeconds_) {
      wallSeconds_ = seconds;
      std::memcpy(date_, "Date: ", 6);
      formatHttpDate(seconds, date_ + 6);
      std::memcpy(date_ + 6 + kHttpDateBytes, "\r\n", 2);
      dateBytes_ = 6 + kHttpDateBytes + 2;
    }
  }
  return wallSeconds_;
}

std::string_view IoThread::dateLine() {
  wallSeconds();
  return std::string_view(date_, dateBytes_);
}

ByteBuffer* IoThread::takeBuffer() {
  if (freeBuffers_.empty()) return new ByteBuffer();
  ByteBuffer* buffer = freeBuffers_.back();
  freeBuffers_.pop_back();
  return buffer;
}

void IoThread::giveBuffer(ByteBuffer* buffer) {
  if (freeBuffers_.size() >= limits::kPooledBuffers || buffer->capacity() > limits::kPooledBufferBytes) {
    delete buffer;
    return;
  }
  buffer->clear();
  freeBuffers_.push_back(buffer);
}

void IoThread::setRoutes(std::shared_ptr<const Routes> routes) {
  routes_ = std::move(routes);
  forgetTargets();
}

// What was derived from routes and queues is found out again when it is needed.
void IoThread::forgetTargets() {
  targets_.assign(routes_ == nullptr ? 0 : routes_->table.entries().size(), RouteTarget());
  forgetPortRules();
}

const ParserLimits& IoThread::parserLimits(uint32_t port) { return ownParserRules_ ? portRules(port).parser : engine_->parserLimits(); }

void IoThread::forgetPortRules() {
  portRules_.clear();
  ownParserRules_ = false;
  for (const auto& [id, shard] : shards_) {
    const QueueSettings& settings = shard->settings();
    ownParserRules_ = ownParserRules_ || settings.headBytes != 0 || !settings.requireHost || settings.emptyHost || !settings.requireLength;
  }
}

const PortRules& IoThread::portRules(uint32_t port) {
  auto [at, fresh] = portRules_.try_emplace(port);
  if (!fresh) return at->second;
  PortRules& rules = at->second;
  rules.parser = engine_->parserLimits();
  const uint32_t headBytes = rules.parser.headerBytes;
  size_t queues = 0;
  auto longer = [](uint64_t a, uint64_t b) { return a == 0 || b == 0 ? 0 : std::max(a, b); };
  if (routes_ != nullptr) {
    for (const UrlEntry& entry : routes_->table.entries()) {
      QueueShard* one = entry.port == port ? shard(entry.queueId) : nullptr;
      if (one == nullptr || one == rules.sole) continue;
      const QueueSettings& settings = one->settings();
      const bool first = queues++ == 0;
      const uint32_t allowed = settings.headBytes != 0 ? settings.headBytes : headBytes;
      rules.headerMs = first ? settings.headerMs : longer(rules.headerMs, settings.headerMs);
      rules.idleMs = first ? settings.idleMs : longer(rules.idleMs, settings.idleMs);
      rules.parser.headerBytes = rules.parser.requestLineBytes = first ? allowed : std::max(rules.parser.headerBytes, allowed);
      // What keeps the programs of a port apart is waived only where all of them agree.
      rules.parser.requireHost = first ? settings.requireHost : rules.parser.requireHost || settings.requireHost;
      rules.parser.emptyHost = (first || rules.parser.emptyHost) && settings.emptyHost;
      rules.parser.requireLength = first ? settings.requireLength : rules.parser.requireLength || settings.requireLength;
      rules.sole = one;
    }
  }
  if (queues != 1) rules.sole = nullptr;
  if (queues == 0) {
    rules.headerMs = defaultSettings_.headerMs;
    rules.idleMs = defaultSettings_.idleMs;
  }
  return rules;
}

RouteStatus IoThread::route(uint32_t port, std::string_view localAddress, std::string_view host, std::string_view path,
                            const RouteTarget** target) {
  if (routes_ == nullptr) return RouteStatus::kNoHost;
  const RouteResult result = routes_->table.route(false, port, localAddress, host, path);
  if (result.status != RouteStatus::kFound) return result.status;
  RouteTarget& found = targets_[static_cast<size_t>(result.entry - routes_->table.entries().data())];
  if (!found.resolved) {
    found.resolved = true;
    found.shard = shard(result.entry->queueId);
    found.urlContext = result.entry->urlContext;
    found.url = counters.url(result.entry->queueId, result.entry->urlContext);
  }
  *target = &found;
  return RouteStatus::kFound;
}

void IoThread::openQueue(RequestQueue* queue) {
  shards_[queue->id] = std::make_unique<QueueShard>(this, queue, counters.queue(queue->id));
  forgetTargets();
}

void IoThread::setQueueOptions(uint32_t queueId, const QueueOptions& options) {
  QueueShard* one = shard(queueId);
  if (one != nullptr) one->applyOptions(options);
  forgetPortRules();
}

QueueShard* IoThread::shard(uint32_t queueId) const {
  auto at = shards_.find(queueId);
  return at == shards_.end() ? nullptr : at->second.get();
}

void IoThread::dropQueue(uint32_t queueId) {
  auto at = shards_.find(queueId);
  if (at == shards_.end()) return;
  QueueShard* shard = at->second.get();
  forgetTargets();
  shard->refuseWaiting(errors::kUnavailable);
  while (!shard->channels().empty()) shard->channels().back()->end();
  // Channels that had detached still hold what was delivered to them.
  for (size_t i = channels_.size(); i-- > 0;) {
    if (channels_[i]->shard() == shard) channels_[i]->end();
  }
  for (Connection* connection = firstConnection_; connection != nullptr;) {
    Connection* next = connection->nextConnection();
    connection->forgetShard(shard);
    connection = next;
  }
  shards_.erase(at);
  forgetPortRules();
  counters.dropQueue(queueId);
}

void IoThread::queueAbandoned(uint32_t queueId) {
  if (stopping_) return;
  QueueShard* one = shard(queueId);
  if (one != nullptr && !one->served()) one->refuseWaiting(errors::kUnavailable);
}

void IoThread::adopt(Socket socket, uint32_t routeKey) {
  Connection* connection;
  if (freeConnections_.empty()) {
    connection = new Connection(this);
  } else {
    connection = freeConnections_.back();
    freeConnections_.pop_back();
  }
  const uint32_t id = stopping_ ? 0 : connections_.add(connection);
  if (id == 0 || !connection->open(socket, id, routeKey)) {
    if (id == 0) {
      closeSocket(socket);
    } else {
      connections_.remove(id);
    }
    freeConnections_.push_back(connection);
    engine_->connectionEnded();
    return;
  }
  handleOpened();
  counters.connections.add(1);
  counters.accepted.add(1);
  connection->previous_ = nullptr;
  connection->next_ = firstConnection_;
  if (firstConnection_ != nullptr) firstConnection_->previous_ = connection;
  firstConnection_ = connection;
  connection->greet();
}

void IoThread::unlinkConnection(Connection* connection) {
  (connection->previous_ != nullptr ? connection->previous_->next_ : firstConnection_) = connection->next_;
  if (connection->next_ != nullptr) connection->next_->previous_ = connection->previous_;
  connection->previous_ = connection->next_ = nullptr;
  connections_.remove(connection->id_);
  counters.connections.subtract(1);
  engine_->connectionEnded();
}

void IoThread::connectionGone(Connection* connection) {
  if (freeConnections_.size() < limits::kPooledObjects) {
    freeConnections_.push_back(connection);
  } else {
    delete connection;
  }
  handleClosed();
}

Exchange* IoThread::newExchange() {
  Exchange* exchange = spare_;
  if (exchange != nullptr) {
    spare_ = nullptr;
    return exchange;
  }
  if (freeExchanges_.empty()) {
    exchange = new Exchange();
  } else {
    exchange = freeExchanges_.back();
    freeExchanges_.pop_back();
  }
  exchange->id = exchanges_.add(exchange);
  if (exchange->id != 0) return exchange;
  freeExchanges_.push_back(exchange);
  return nullptr;
}

void IoThread::retireId(Exchange* exchange) {
  exchanges_.remove(exchange->id);
  exchange->id = 0;
}

void IoThread::freeExchange(Exchange* exchange) {
  if (exchange->id != 0) exchanges_.remove(exchange->id);
  if (freeExchanges_.size() >= limits::kPooledObjects) {
    delete exchange;
    return;
  }
  exchange->reset();
  freeExchanges_.push_back(exchange);
}

void IoThread::wake(const CacheWaiter& waiter) {
  Exchange* waiting = exchange(static_cast<uint32_t>(waiter.ticket));
  if (waiting != nullptr && waiting->stage == ExchangeStage::kCacheWait) waiting->connection->retryCache();
}

}  // namespace httpsys
