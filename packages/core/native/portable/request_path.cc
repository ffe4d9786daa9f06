// A connection's request heads: parsed, routed, answered from the cache, or handed to a queue (CACHE-20: in this order).
#include <algorithm>

#include "common/driver_pages.h"
#include "common/frame_writer.h"
#include "common/http_errors.h"
#include "common/http_methods.h"
#include "portable/cached_answer.h"
#include "portable/channel.h"
#include "portable/connection.h"
#include "portable/cooked_url.h"
#include "portable/io_thread.h"
#include "portable/prefix_table.h"
#include "portable/request_queue.h"

namespace httpsys {

namespace {

constexpr uint16_t kHttpPort = 80;

}  // namespace

// Works off as much of the bytes as can be used now, and says how much that was.
size_t Connection::process(const char* data, size_t length) {
  size_t at = 0;
  inputReady_ = false;
  while (!closed_) {
    if (closeAfter_) {
      if (at < length) lingerAfter_ = true;
      return length;
    }
    if (handed_ != nullptr) return length;
    if (exchange_ != nullptr) {
      if (exchange_->bodyDone) return exchange_->taken ? at + pumpOpaque(data + at, length - at) : at;
      if (exchange_->stage == ExchangeStage::kQueued || exchange_->stage == ExchangeStage::kCacheWait) return at;
      const size_t used = pumpBody(data + at, length - at);
      at += used;
      if (closed_ || used == 0) return at;
      continue;
    }
    if (at == length) return at;
    if (pendingOutput() >= limits::kOutputHighBytes || !tail_.empty() || file_ != nullptr) {
      stuckOnOutput_ = true;
      return at;
    }
    RequestHead& head = thread_->requestHead();
    ParseError error;
    size_t consumed = 0;
    size_t scanned = scanned_;
    const ParseStatus status = parseRequestHead(data + at, length - at, thread_->parserLimits(routePort_), &scanned, &head, &consumed, &error);
    if (status == ParseStatus::kIncomplete) {
      scanned_ = static_cast<uint32_t>(scanned);
      return at;
    }
    scanned_ = 0;
    if (status == ParseStatus::kError) {
      if (!handOver(error, std::string_view(data + at, length - at), consumed)) sendPage(error, true);
      return length;
    }
    at += consumed;
    handleHead(head, data + at, length - at);
    if (exchange_ != nullptr) at += bodyTaken_;
  }
  return at;
}

void Connection::handleHead(const RequestHead& head, const char* rest, size_t restBytes) {
  bodyTaken_ = 0;
  thread_->counters.requests.add(1);
  std::string_view path;
  bool ambiguous = false;
  const RouteTarget* target = admit(head, &path, &ambiguous);
  if (target == nullptr) return;
  // The id names the request while it waits for another one's answer; a hit gives it back unused.
  Exchange* exchange = thread_->newExchange();
  if (exchange == nullptr) {
    sendPage(errors::kQueueFull, head.methodCode != methods::kHead);
    return;
  }
  // CACHE-3 to CACHE-8 and CACHE-24: the same requests are served from the cache and produce its entries, but for Range (CACHE-9). A target
  // in absolute form is left out: its application sees other text than that of the same URL in origin form, and a Host it need not match.
  // RFC 9110 section 9.3.6: a CONNECT has no body; what is behind it is the tunnel's.
  const bool connects = head.methodCode == methods::kConnect;
  const bool hasBody = !connects && (head.chunked || head.contentLength > 0);
  const bool cacheable = head.methodCode == methods::kGet && !hasBody && !head.upgrade && !head.hasAuthorization && !head.hasTranslate &&
                         !head.hasExpectOther && !head.hasPrecondition && !ambiguous && head.target.front() == '/';
  exchange->mayStore = cacheable && head.range.empty() && head.ifRange.empty();
  CacheLookup found = CacheLookup::kMiss;
  if (cacheable) {
    exchange->flushMark = thread_->cache()->flushMark();
    std::shared_ptr<const CachedResponse>& entry = thread_->entryScratch();
    found = findEntry(head, path, CacheAsker(shard_->id(), target->urlContext, exchange->mayStore), exchange->id, &entry);
    if (found == CacheLookup::kHit) {
      thread_->keepSpare(exchange);
      target->url->hits.add(1);
      answerHit(entry, CacheRequestFields{head.ifNoneMatch, head.ifModifiedSince, head.range, head.ifRange, 0}, head.keepAlive);
      entry.reset();
      return;
    }
  }

  exchange->connection = this;
  exchange->shard = shard_;
  exchange->url = target->url;
  exchange->urlContext = target->urlContext;
  exchange->http10 = head.versionMinor == 0;
  exchange->headMethod = head.methodCode == methods::kHead;
  exchange->keepAlive = head.keepAlive;
  exchange->expectContinue = head.expectContinue;
  exchange->chunked = head.chunked;
  exchange->bodyDone = !hasBody;
  exchange->upgradable = head.upgrade || connects;
  if (hasBody) exchange->startedMs = thread_->nowMs();
  exchange->bodyRemaining = head.contentLength > 0 ? static_cast<uint64_t>(head.contentLength) : 0;
  exchange->bodyCredit = frames::kBodyWindowBytes;
  if (head.chunked) exchange->decoder.reset();
  exchange->renewing = found == CacheLookup::kRenew;
  if (cacheable) exchange->key.assign(thread_->keyScratch());
  exchange_ = exchange;
  if (found == CacheLookup::kWait) {
    exchange->stage = ExchangeStage::kCacheWait;
    exchange->range.assign(head.range);
    exchange->ifRange.assign(head.ifRange);
    exchange->ifNoneMatch.assign(head.ifNoneMatch);
    exchange->ifModifiedSince.assign(head.ifModifiedSince);
    appendRequest(&exchange->frame, head, requestFlags(head), exchange->id, id_, exchange->urlContext);
    return;
  }
  dispatch(head, rest, restBytes);
}

// Finds out whose request it is and whether it may be asked. Null: it has been answered with a page.
const RouteTarget* Connection::admit(const RequestHead& head, std::string_view* path, bool* ambiguous) {
  const bool withPage = head.methodCode != methods::kHead;
  if (!cookPath(head.path, CookedPathLimits(), &thread_->pathScratch(), path, ambiguous)) {
    sendPage(errors::kInvalidUrl, withPage);
    return nullptr;
  }
  const RouteTarget* target = nullptr;
  // The authority of a CONNECT is another server's: it is routed by port and local address alone.
  const std::string_view host = head.methodCode == methods::kConnect ? std::string_view() : head.host;
  switch (thread_->route(routePort_, std::string_view(local_ + routeAt_, localBytes_ - routeAt_), host, *path, &target)) {
    case RouteStatus::kNoHost:
      sendPage(errors::kInvalidHost, withPage);
      return nullptr;
    case RouteStatus::kNoPath:
      sendPage(errors::kNotFound, withPage);
      return nullptr;
    case RouteStatus::kFound:
      break;
  }
  if (target->shard == nullptr || !target->shard->settings().enabled) {
    sendPage(errors::kUnavailable, withPage);
    return nullptr;
  }
  const bool newcomer = shard_ != target->shard;
  if (newcomer) bindShard(target->shard);
  const QueueSettings& settings = shard_->settings();
  shard_->counters().requests.add(1);
  target->url->requests.add(1);
  // Only the connection that comes beyond the limit is turned away, and it no longer counts: those inside keep their place.
  if (newcomer && settings.maxConnections != 0 && shard_->queue()->connections.load(std::memory_order_relaxed) > settings.maxConnections) {
    Channel* channel = shard_->listeningChannel();
    bindShard(nullptr);
    if (channel != nullptr) {
      uint8_t body[kDescriptionBytesMax];
      const size_t bytes = describe(body);
      appendFrame(channel->out(), frames::kDropped, 0, 0, 0, std::string_view(reinterpret_cast<const char*>(body), bytes));
    }
    sendPage(errors::kConnectionLimit, withPage);
    return nullptr;
  }
  if (settings.headBytes != 0 && head.bytes > settings.headBytes) {
    sendPage(errors::kHeadTooLong, withPage);
    return nullptr;
  }
  if (settings.maxRequestBodyBytes != 0 && head.contentLength > 0 &&
      static_cast<uint64_t>(head.contentLength) > settings.maxRequestBodyBytes) {
    sendPage(errors::kBodyTooLarge, withPage);
    return nullptr;
  }
  return target;
}

// Leaves the key in the thread's scratch.
CacheLookup Connection::findEntry(const RequestHead& head, std::string_view path, const CacheAsker& asker, uint32_t exchangeId,
                                  std::shared_ptr<const CachedResponse>* entry) {
  std::string_view name;
  uint16_t port = 0;
  splitHost(head.host, &name, &port);
  // A Host without a port means the scheme's: it must not share the entry of one that names another.
  std::string& key = thread_->keyScratch();
  Cache::makeKey(false, name, port == 0 ? kHttpPort : port, path, head.query, &key);
  return thread_->cache()->find(key, thread_->nowMs(), CacheWaiter{thread_->index(), exchangeId}, entry, asker);
}

uint8_t Connection::requestFlags(const RequestHead& head) const {
  uint8_t flags = exchange_->bodyDone ? frames::kRequestEnd : 0;
  if (head.keepAlive) flags |= frames::kRequestKeepAlive;
  if (head.versionMinor == 0) flags |= frames::kRequestHttp10;
  if (head.expectContinue) flags |= frames::kRequestExpectContinue;
  if (head.upgrade) flags |= frames::kRequestUpgrade;
  if (head.chunked) flags |= frames::kRequestChunked;
  if (head.hasExpectOther) flags |= frames::kRequestExpectOther;
  if (!exchange_->mayStore) flags |= frames::kRequestUnstorable;
  return flags;
}

// To a channel at once, or into the queue.
void Connection::dispatch(const RequestHead& head, const char* rest, size_t restBytes) {
  Exchange* exchange = exchange_;
  Channel* channel = shard_->pick();
  if (channel != nullptr) {
    channel->take(exchange);
    announce(channel);
    ByteBuffer* out = channel->out();
    const size_t frameAt = out->size();
    appendRequest(out, head, requestFlags(head), exchange->id, id_, exchange->urlContext);
    widenWindow(channel, out, frameAt);
    if (!exchange->bodyDone) {
      bodyTaken_ = static_cast<uint32_t>(beginBody(rest, restBytes, frameAt));
    } else if (exchange->upgradable) {
      showAhead(rest, restBytes, frameAt);
    }
    return;
  }
  if (!shard_->served()) {
    refuse(errors::kUnavailable);
    return;
  }
  appendRequest(&exchange->frame, head, requestFlags(head), exchange->id, id_, exchange->urlContext);
  if (!shard_->wait(exchange)) refuse(errors::kQueueFull);
}

void Connection::deliverWaiting(Exchange* exchange, Channel* channel) {
  channel->take(exchange);
  announce(channel);
  ByteBuffer* out = channel->out();
  const size_t frameAt = out->size();
  out->append(exchange->frame.view());
  exchange->frame.release();
  widenWindow(channel, out, frameAt);
  if (!exchange->bodyDone && in_ != nullptr) {
    const size_t used = beginBody(in_->data(), in_->size(), frameAt);
    if (closed_) return;
    in_->consume(used);
  } else if (exchange->upgradable && in_ != nullptr) {
    showAhead(in_->data(), in_->size(), frameAt);
  }
  inputReady_ = true;
  markDirty();
}

// The renewal this request waited for has ended: look again.
void Connection::retryCache() {
  Exchange* exchange = exchange_;
  std::shared_ptr<const CachedResponse> entry;
  const CacheAsker asker(exchange->shard->id(), exchange->urlContext, exchange->mayStore);
  switch (thread_->cache()->find(exchange->key, thread_->nowMs(), CacheWaiter{thread_->index(), exchange->id}, &entry, asker)) {
    case CacheLookup::kHit: {
      exchange->url->hits.add(1);
      answerHit(entry, CacheRequestFields{exchange->ifNoneMatch, exchange->ifModifiedSince, exchange->range, exchange->ifRange, 0},
                exchange->keepAlive);
      if (!closed_) releaseExchange();
      inputReady_ = true;
      markDirty();
      return;
    }
    case CacheLookup::kWait:
      return;
    case CacheLookup::kRenew:
      exchange->renewing = true;
      break;
    case CacheLookup::kMiss:
      break;
  }
  exchange->flushMark = thread_->cache()->flushMark();
  if (Channel* channel = exchange->shard->pick()) {
    deliverWaiting(exchange, channel);
    return;
  }
  // Not in the cache's list any more: it must not be taken out of there when it is refused.
  exchange->stage = ExchangeStage::kNew;
  if (!exchange->shard->served()) {
    refuse(errors::kUnavailable);
  } else if (!exchange->shard->wait(exchange)) {
    refuse(errors::kQueueFull);
  } else {
    markDirty();
  }
}

void Connection::answerHit(const std::shared_ptr<const CachedResponse>& entry, const CacheRequestFields& fields, bool keepAlive) {
  thread_->counters.hits.add(1);
  shard_->counters().hits.add(1);
  const bool stays = keepAlive && !entry->forceDisconnect;
  const std::string_view connection = stays ? std::string_view(shard_->settings().keepAliveFields) : "Connection: close\r\n";
  if (!stays) closeAfter_ = true;
  const std::string_view date = thread_->dateLine();
  if (fields.range.empty() && fields.ifNoneMatch.empty() && fields.ifModifiedSince.empty()) {
    const bool inlineBody = entry->body.size() < limits::kDirectWriteBytes;
    const size_t total = entry->plain.size() + date.size() + connection.size() + 2 + (inlineBody ? entry->body.size() : 0);
    char* at = output()->reserve(total);
    auto put = [&at](std::string_view text) {
      std::memcpy(at, text.data(), text.size());
      at += text.size();
    };
    put(entry->plain);
    put(date);
    put(connection);
    put("\r\n");
    if (inlineBody && !entry->body.empty()) put(entry->body);
    output()->commit(total);
    if (!inlineBody) appendEntryBody(entry, entry->body);
    return;
  }
  CacheRequestFields asked = fields;
  asked.nowSeconds = thread_->wallSeconds();
  CachedAnswer answer;
  answerFromEntry(*entry, asked, &answer);
  append(answer.head);
  append(date);
  append(connection);
  append("\r\n");
  if (answer.body.empty()) return;
  if (answer.ownBody.empty()) {
    appendEntryBody(entry, answer.body);
  } else {
    append(answer.body);
  }
}

// CONNECTION comes before the first request of this connection that goes to the channel.
void Connection::announce(Channel* channel) {
  if (!announced_.empty() && (announced_.back() == channel || knows(channel))) return;
  announced_.push_back(channel);
  uint8_t body[kDescriptionBytesMax];
  const size_t bytes = describe(body);
  appendFrame(channel->out(), frames::kConnection, 0, 0, id_, std::string_view(reinterpret_cast<const char*>(body), bytes));
}

void Connection::greet() {
  const QueueShard* sole = thread_->portRules(routePort_).sole;
  // Of several programs that share a queue nobody knows which one its requests will go to.
  if (sole == nullptr || !sole->settings().connections || sole->channels().size() != 1) return;
  Channel* channel = sole->listeningChannel();
  if (channel != nullptr) announce(channel);
}

// The body of CONNECTION; returns its bytes.
size_t Connection::describe(uint8_t* body) const {
  frames::store16(body, remotePort_);
  frames::store16(body + 2, localPort_);
  body[4] = remoteBytes_;
  body[5] = localBytes_;
  body[6] = family_;
  body[7] = 0;
  std::memcpy(body + 8, remote_, remoteBytes_);
  std::memcpy(body + 8 + remoteBytes_, local_, localBytes_);
  return size_t{8} + remoteBytes_ + localBytes_;
}

// The connection's requests count for one queue at a time: the one of the last routed request.
void Connection::bindShard(QueueShard* shard) {
  if (shard_ != nullptr) shard_->queue()->connections.fetch_sub(1, std::memory_order_relaxed);
  shard_ = shard;
  if (shard_ != nullptr) shard_->queue()->connections.fetch_add(1, std::memory_order_relaxed);
}

// An answer of the engine itself; the connection ends behind it (section 2.5).
void Connection::sendPage(const ParseError& error, bool withBody) {
  thread_->counters.reject(error.reason);
  std::string page;
  std::string_view date = thread_->dateLine();
  // "Date: " and CRLF belong to the line, not to the date.
  date = date.substr(6, date.size() - 8);
  appendDriverAnswer(error, date, withBody, &page);
  append(page);
  closeAfter_ = true;
  lingerAfter_ = true;
}

// 503 for a request that no application has.
void Connection::refuse(const ParseError& error) {
  const bool withBody = exchange_ == nullptr || !exchange_->headMethod;
  dropExchange(frames::kAbortEngine, false);
  sendPage(error, withBody);
  markDirty();
}

// The channel that has the request is gone.
void Connection::channelEnded() {
  if (exchange_->stage == ExchangeStage::kReading) {
    // The client has its answer; nobody wants the rest of its body any more.
    finishReading();
    return;
  }
  if (!exchange_->headSent) {
    refuse(kAbandoned);
    return;
  }
  thread_->counters.reject(kAbandoned.reason);
  const bool untilClose = exchange_->framing == BodyFraming::kUntilClose;
  dropExchange(frames::kAbortEngine, false);
  // Only a reset tells the end of a body that ends with the connection from its being cut off.
  if (untilClose) {
    reset();
  } else {
    flush();
    close();
  }
}

}  // namespace httpsys
