#include "httpsys/body_read_operation.h"

#include <algorithm>

#include "httpsys/driver_limits.h"
#include "httpsys/exchange.h"
#include "httpsys/http_functions.h"
#include "httpsys/request_queue.h"

namespace httpsys {
namespace driver {

void BodyReadOperation::start(uint32_t bytesMax) {
  const uint32_t wanted = std::min(bytesMax, limits::kBodyReadBytesMax);
  if (capacity_ < wanted) {
    buffer_.reset(new char[wanted]);
    capacity_ = wanted;
  }
  RequestQueue* queue = exchange_->queue();
  queue->loop().issue(this, [&](OVERLAPPED* overlapped, ULONG* returned) {
    return functions().ReceiveRequestEntityBody(queue->handle(), exchange_->requestId, 0, buffer_.get(), wanted, returned, overlapped);
  });
}

void BodyReadOperation::release() {
  buffer_.reset();
  capacity_ = 0;
}

void BodyReadOperation::completed(ULONG error, ULONG bytes, bool) { exchange_->bodyRead(error, bytes); }

}  // namespace driver
}  // namespace httpsys
