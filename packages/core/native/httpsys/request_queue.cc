#include "httpsys/request_queue.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "common/frame_writer.h"
#include "common/http_errors.h"
#include "common/limits.h"
#include "httpsys/certificate_operation.h"
#include "httpsys/driver_limits.h"
#include "httpsys/exchange.h"
#include "httpsys/http_functions.h"
#include "httpsys/queue_security.h"
#include "httpsys/receive_operation.h"
#include "httpsys/request_frames.h"
#include "httpsys/security_facts.h"
#include "httpsys/wide_text.h"

namespace httpsys {
namespace driver {

RequestQueue::RequestQueue(Driver::Options options)
    : options_(std::move(options)), loop_(this), outbox_(options_.wake), connections_(this) {
  const uint32_t processors = std::max(1u, std::thread::hardware_concurrency());
  pendingMax_ = std::min(options_.pendingReceives != 0 ? options_.pendingReceives : 5 * processors, limits::kPendingReceivesMax);
}

RequestQueue::~RequestQueue() {
  loop_.join();
  // After onStopped there is nothing left to close; a queue that never had a thread is closed here.
  if (handle_ != nullptr) functions().CloseRequestQueue(handle_);
  groups_.clear();
}

bool RequestQueue::open(DriverError* error) {
  if (!session_.open(error)) return false;
  const HTTPAPI_VERSION version = HTTPAPI_VERSION_2;
  ULONG flags = 0;
  if (options_.mode == QueueMode::kAttach) flags = api::kQueueOpenExisting;
  if (options_.mode == QueueMode::kControl) flags = api::kQueueController;
  const PCWSTR name = options_.name.empty() ? nullptr : wide(options_.name);
  QueueSecurity security;
  // QUEUE-3: one that exists has its own.
  if (options_.mode != QueueMode::kAttach && !security.parse(options_.security, error)) return false;
  const ULONG code = functions().CreateRequestQueue(version, name, security.attributes(), flags, &handle_);
  if (code != NO_ERROR) {
    handle_ = nullptr;
    error->code = code;
    error->function = "HttpCreateRequestQueue";
    return false;
  }
  return loop_.start(handle_, error);
}

bool RequestQueue::addUrl(const std::u16string& url, uint32_t context, DriverError* error) {
  auto group = std::make_unique<UrlGroup>();
  if (!group->open(session_, handle_, error)) return false;
  // Before the URL, so that no request comes past a limit or unasked for its user.
  if (!applyToGroup(group.get(), settings_, error)) return false;
  if (!group->addUrl(url, context, error)) return false;
  groups_.push_back(std::move(group));
  return true;
}

void RequestQueue::removeUrls() {
  urlsRemovedAt_ = GetTickCount64();
  for (const auto& group : groups_) group->removeUrl();
  // The grace begins when the last one is gone.
  urlsRemovedAt_ = GetTickCount64();
}

void RequestQueue::order(Order order) {
  if (inbox_.put(std::move(order))) loop_.wake();
}

QueueCounters RequestQueue::counters() const {
  QueueCounters now;
  now.requests = counters_.requests;
  now.inFlight = counters_.inFlight;
  now.connections = counters_.connections;
  now.bytesIn = counters_.bytesIn;
  now.bytesOut = counters_.bytesOut;
  now.informationalDropped = counters_.informationalDropped;
  now.rejected = counters_.rejected;
  return now;
}

// --- requests ---

void RequestQueue::onRequest(const HTTP_REQUEST& request, const HTTP_SSL_CLIENT_CERT_INFO* certificate) {
  receiveFailures_ = 0;
  counters_.requests++;
  counters_.bytesIn += request.BytesReceived;
  const RequestFacts facts = factsOf(request);
  Exchange* exchange = take(request.RequestId, facts);
  // First of all, for it closes the token.
  const UserFacts user = userOf(request, &userNames_);
  if (!accepting_ || credit_ == 0) {
    exchange->refuse(errors::kUnavailable);
    return;
  }
  if (tooLarge(facts.copiedBytes) || (facts.contentLength > 0 && tooLarge(static_cast<uint64_t>(facts.contentLength)))) {
    exchange->refuse(errors::kBodyTooLarge);
    return;
  }
  // AUTH-2: the driver asks nobody by itself.
  if (!allowAnonymous_ && !user.known) {
    exchange->refuse(errors::kUnauthorized);
    return;
  }
  Connection* connection = connections_.of(request, certificate);
  const uint32_t id = connection == nullptr ? 0 : exchanges_.add(exchange);
  if (id == 0) {
    exchange->refuse(errors::kQueueFull);
    return;
  }
  --credit_;
  exchange->id = id;
  exchange->connection = connection;
  exchange->connectionId = connection->id;
  connection->current = exchange;
  counters_.inFlight++;
  counters_.connections = connections_.size();
  const std::string blocks = factsBlocks(request, user);
  if (!blocks.empty()) appendFrame(&out_, frames::kRequestFacts, 0, 0, id, blocks);
  appendRequest(&out_, request, facts, id, connection->id);
  exchange->readMore();
}

// Section 6.2: before the first response of the connection, and never on HTTP/2.
bool RequestQueue::holdForCertificate(ReceiveOperation* operation) {
  const HTTP_REQUEST& request = *operation->request();
  if (!asksCertificates_ || !accepting_ || asked_.size() >= limits::kCertificatesAskedMax) return false;
  if (request.pSslInfo == nullptr || request.pSslInfo->pClientCertInfo != nullptr) return false;
  if ((request.Flags & (api::kRequestHttp2 | api::kRequestHttp3)) != 0 || connections_.knows(request.ConnectionId)) return false;
  asked_.push_back(std::make_unique<CertificateOperation>(this, operation));
  asked_.back()->start();
  // Others need not wait for this client.
  pumpReceives();
  return true;
}

void RequestQueue::certificateCame(CertificateOperation* operation, const HTTP_SSL_CLIENT_CERT_INFO* certificate) {
  const auto same = [operation](const std::unique_ptr<CertificateOperation>& one) { return one.get() == operation; };
  const auto found = std::find_if(asked_.begin(), asked_.end(), same);
  const std::unique_ptr<CertificateOperation> held = std::move(*found);
  asked_.erase(found);
  onRequest(*held->receive()->request(), certificate);
  received(held->receive());
}

void RequestQueue::refuse(HTTP_REQUEST_ID id, const ParseError& page) { take(id, RequestFacts())->refuse(page); }

void RequestQueue::received(ReceiveOperation* operation) {
  if (operation->capacity() != limits::kReceiveBytes) {
    // It was made for one large head.
    const auto same = [operation](const std::unique_ptr<ReceiveOperation>& one) { return one.get() == operation; };
    const auto found = std::find_if(receives_.begin(), receives_.end(), same);
    *found = std::make_unique<ReceiveOperation>(this, limits::kReceiveBytes);
    operation = found->get();
  }
  resting_.push_back(operation);
  pumpReceives();
}

void RequestQueue::receiveCancelled(ReceiveOperation* operation, ULONG error) {
  // Nobody here has cancelled it: the driver's service was stopped.
  if (phase_ == Phase::kOpen) {
    receiveFailed(operation, error);
    return;
  }
  resting_.push_back(operation);
}

void RequestQueue::receiveFailed(ReceiveOperation* operation, ULONG error) {
  resting_.push_back(operation);
  if (++receiveFailures_ < limits::kReceiveFailuresMax) {
    pumpReceives();
    return;
  }
  failChannel("HttpReceiveHttpRequest fails again and again", error);
}

void RequestQueue::regrow(ReceiveOperation* operation, HTTP_REQUEST_ID id, ULONG bytes, bool keepOld) {
  auto larger = std::make_unique<ReceiveOperation>(this, (bytes + 7u) & ~7u);
  const auto same = [operation](const std::unique_ptr<ReceiveOperation>& one) { return one.get() == operation; };
  const auto found = std::find_if(receives_.begin(), receives_.end(), same);
  found->swap(larger);
  if (keepOld) {
    ReceiveOperation* old = larger.release();
    loop_.releaseLater([old] { delete old; });
  }
  (*found)->start(id);
}

// As many receives as there is credit: what the application does not want yet waits in the driver's queue, for whoever takes it first (QUEUE-8).
void RequestQueue::pumpReceives() {
  // A queue that cannot be shut down goes on receiving until its receives are cancelled: what comes is told that nobody is here any more.
  const bool refusing = phase_ == Phase::kDraining && !capabilities().shutdownQueue;
  if (!refusing && (!accepting_ || phase_ != Phase::kOpen)) return;
  // QUEUE-6: a controller's handle does no I/O of requests.
  if (options_.mode == QueueMode::kControl) return;
  const size_t wanted = refusing ? 1 : std::min(pendingMax_, credit_);
  while (receives_.size() - resting_.size() - asked_.size() < wanted) {
    if (resting_.empty()) {
      receives_.push_back(std::make_unique<ReceiveOperation>(this, limits::kReceiveBytes));
      resting_.push_back(receives_.back().get());
    }
    ReceiveOperation* operation = resting_.back();
    resting_.pop_back();
    operation->start(HTTP_NULL_ID);
  }
}

// --- exchanges ---

Exchange* RequestQueue::take(HTTP_REQUEST_ID id, const RequestFacts& facts) {
  Exchange* exchange;
  if (spare_.empty()) {
    all_.push_back(std::make_unique<Exchange>(this));
    exchange = all_.back().get();
    exchange->index = all_.size() - 1;
  } else {
    exchange = spare_.back();
    spare_.pop_back();
  }
  exchange->begin(id, facts);
  return exchange;
}

void RequestQueue::giveBack(Exchange* exchange) {
  exchange->requestId = HTTP_NULL_ID;
  if (spare_.size() < limits::kPooledExchanges) {
    spare_.push_back(exchange);
    return;
  }
  const size_t at = exchange->index;
  std::swap(all_[at], all_.back());
  all_[at]->index = at;
  all_.pop_back();
}

void RequestQueue::touch(Exchange* exchange) {
  if (exchange->touched) return;
  exchange->touched = true;
  touched_.push_back(exchange);
}

void RequestQueue::forget(Exchange* exchange, bool closes) {
  exchanges_.remove(exchange->id);
  counters_.inFlight--;
  touch(exchange);
  Connection* connection = exchange->connection;
  exchange->connection = nullptr;
  if (connection == nullptr) return;
  const bool toldByWait = connection->inFlight();
  const uint32_t id = connection->id;
  connections_.idle(connection);
  if (closes && !toldByWait) connectionBroken(id);
}

void RequestQueue::connectionBroken(uint32_t connectionId) {
  Connection* connection = connections_.find(connectionId);
  if (connection == nullptr || connection->current != nullptr) return;
  connections_.close(connection);
  counters_.connections = connections_.size();
}

void RequestQueue::informationalDropped(uint16_t status) {
  counters_.informationalDropped++;
  if (std::exchange(toldInformational_, true)) return;
  outbox_.put(QueueEvent{QueueEvent::kInformational, 0, status, std::string()});
}

void RequestQueue::sendRefused(ULONG error) {
  if (std::exchange(toldRefused_, true)) return;
  outbox_.put(QueueEvent{QueueEvent::kSendRefused, 0, error, std::string()});
}

// --- the channel ---

void RequestQueue::startChannel(uint32_t credit) {
  credit_ = std::min(credit, httpsys::limits::kRequestCreditMax);
  receiveFailures_ = 0;
  channelOpen_ = accepting_ = true;
  pumpReceives();
}

void RequestQueue::failChannel(std::string why, uint32_t code) {
  if (!channelOpen_) return;
  dropEverything();
  outbox_.put(QueueEvent{QueueEvent::kFailed, 0, code, std::move(why)});
}

// Requests of an application that is not there any more get 503, or lose their connection when their answer has begun (SHUT-6).
void RequestQueue::dropEverything() {
  channelOpen_ = accepting_ = false;
  credit_ = 0;
  for (size_t n = 0; n < all_.size(); ++n) {
    if (all_[n]->knows()) all_[n]->abandon();
  }
  connections_.closeAll(false);
  out_.clear();
}

// --- the loop ---

void RequestQueue::onWake() {
  inbox_.take(&orders_);
  for (Order& order : orders_) work(&order);
  orders_.clear();
}

void RequestQueue::work(Order* order) {
  switch (order->kind) {
    case Order::kStart:
      if (phase_ == Phase::kOpen) startChannel(order->number);
      return;
    case Order::kBatch:
      // What was sent before the application heard that its channel has ended.
      if (channelOpen_ && !handleBatch(order->batch)) failChannel(malformed_);
      return;
    case Order::kFlush:
      flushCache(order->number, order->url, order->recursive);
      return;
    case Order::kSettings:
      take(order->settings);
      return;
    case Order::kClose:
      beginClose();
      return;
  }
}

void RequestQueue::onTurnEnd() {
  // Looking at one may touch others.
  while (!touched_.empty()) {
    looking_.swap(touched_);
    for (Exchange* exchange : looking_) {
      exchange->touched = false;
      exchange->flush();
      if (exchange->done()) giveBack(exchange);
    }
    looking_.clear();
  }
  outbox_.put(&out_);
  if (phase_ == Phase::kOpen) return;
  const uint64_t now = GetTickCount64();
  if (phase_ == Phase::kDraining) {
    const bool graceOver = capabilities().shutdownQueue || now >= urlsRemovedAt_ + limits::kCloseGraceMs;
    const bool answered = all_.size() == spare_.size();
    if (graceOver && (answered || now >= phaseEndsAt_)) {
      phase_ = Phase::kCancelling;
      phaseEndsAt_ = now + limits::kCloseDrainMs;
      loop_.cancelAll();
    }
  }
}

void RequestQueue::beginClose() {
  if (phase_ != Phase::kOpen) return;
  dropEverything();
  phase_ = Phase::kDraining;
  phaseEndsAt_ = GetTickCount64() + limits::kCloseDrainMs;
  if (capabilities().shutdownQueue) {
    functions().ShutdownRequestQueue(handle_);
  } else {
    pumpReceives();
  }
}

DWORD RequestQueue::waitMs() {
  if (phase_ == Phase::kOpen) return INFINITE;
  constexpr DWORD kLookMs = 10;
  return kLookMs;
}

bool RequestQueue::finished() {
  if (phase_ != Phase::kCancelling) return false;
  return loop_.inFlight() == 0 || GetTickCount64() >= phaseEndsAt_;
}

void RequestQueue::onStopped() {
  leaks_ = loop_.inFlight() != 0;
  functions().CloseRequestQueue(handle_);
  handle_ = nullptr;
  for (const auto& group : groups_) group->close();
  session_.close();
  outbox_.put(&out_);
  outbox_.put(QueueEvent{QueueEvent::kClosed, 0, 0, std::string()});
}

}  // namespace driver
}  // namespace httpsys
