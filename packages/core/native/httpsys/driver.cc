#include "httpsys/driver.h"

#include <cstring>
#include <utility>

#include "httpsys/driver_limits.h"
#include "httpsys/http_functions.h"
#include "httpsys/request_queue.h"

namespace httpsys {
namespace driver {

namespace {

bool load(DriverError* error) {
  const char* missing = nullptr;
  if (loadFunctions(&missing) != nullptr) return true;
  error->code = ERROR_PROC_NOT_FOUND;
  error->function = missing;
  return false;
}

Order orderOf(Order::Kind kind) {
  Order order{};
  order.kind = kind;
  return order;
}

}  // namespace

std::unique_ptr<Driver> Driver::create(Options options, DriverError* error) {
  if (!load(error)) return nullptr;
  auto queue = std::make_unique<RequestQueue>(std::move(options));
  if (!queue->open(error)) return nullptr;
  return std::unique_ptr<Driver>(new Driver(std::move(queue)));
}

Driver::Driver(std::unique_ptr<RequestQueue> queue) : queue_(std::move(queue)) {}

Driver::~Driver() {
  // The system may still write to what these calls were given.
  if (queue_ != nullptr && queue_->leaks()) (void)queue_.release();
}

bool Driver::addUrl(const std::u16string& url, uint32_t context, DriverError* error) { return queue_->addUrl(url, context, error); }

void Driver::removeUrls() { queue_->removeUrls(); }

bool Driver::apply(const QueueSettings& settings, DriverError* error) { return queue_->apply(settings, error); }

std::vector<const char*> Driver::unsupported() { return queue_->unsupported(); }

void Driver::start(uint32_t credit) {
  Order order = orderOf(Order::kStart);
  order.number = credit;
  queue_->order(std::move(order));
}

bool Driver::submit(const uint8_t* data, size_t length) {
  if (length == 0) return true;
  if (queue_->inboxBytes() > limits::kInboxBytesMax) return false;
  Order order = orderOf(Order::kBatch);
  order.batch = std::make_shared<Batch>();
  order.batch->bytes.reset(new uint8_t[length]);
  order.batch->length = length;
  std::memcpy(order.batch->bytes.get(), data, length);
  queue_->order(std::move(order));
  return true;
}

void Driver::flushCache(uint32_t token, std::u16string url, bool recursive) {
  Order order = orderOf(Order::kFlush);
  order.number = token;
  order.url = std::move(url);
  order.recursive = recursive;
  queue_->order(std::move(order));
}

void Driver::collect(ByteBuffer* frames, std::vector<QueueEvent>* events) { queue_->outbox().take(frames, events); }

QueueCounters Driver::counters() const { return queue_->counters(); }

void Driver::close() {
  queue_->removeUrls();
  queue_->order(orderOf(Order::kClose));
}

void Driver::abandon() {
  queue_->outbox().silence();
  queue_->abandon();
}

uint16_t Driver::freePort() {
  WSADATA data;
  if (WSAStartup(MAKEWORD(2, 2), &data) != 0) return 0;
  uint16_t port = 0;
  const SOCKET probe = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
  if (probe != INVALID_SOCKET) {
    SOCKADDR_IN address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    int length = sizeof address;
    if (bind(probe, reinterpret_cast<const SOCKADDR*>(&address), length) == 0 &&
        getsockname(probe, reinterpret_cast<SOCKADDR*>(&address), &length) == 0) {
      port = ntohs(address.sin_port);
    }
    closesocket(probe);
  }
  WSACleanup();
  return port;
}

uint32_t Driver::handleCount() {
  DWORD count = 0;
  return GetProcessHandleCount(GetCurrentProcess(), &count) ? count : 0;
}

std::vector<Feature> features(DriverError* error) {
  if (!load(error)) return {};
  const Capabilities& can = capabilities();
  return {
      {"shutdownQueue", can.shutdownQueue},
      {"cancelRequest", can.cancelRequest},
      {"disconnectNotice", can.waitForDisconnect || can.waitForDisconnectEx},
      {"responseCache", can.responseCache},
      {"clientCertificate", can.clientCertificate},
      {"requestProperties", can.requestProperties},
      {"namedQueues", can.namedQueues},
      {"weakWildcard", can.weakWildcard},
      {"disconnectFlag", can.disconnectFlag},
      {"opaque", can.opaque},
      {"trailers", can.trailers},
      {"wine", can.wine},
  };
}

}  // namespace driver
}  // namespace httpsys
