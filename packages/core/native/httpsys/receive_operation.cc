#include "httpsys/receive_operation.h"

#include <algorithm>

#include "common/http_errors.h"
#include "httpsys/driver_limits.h"
#include "httpsys/http_functions.h"
#include "httpsys/request_queue.h"

namespace httpsys {
namespace driver {

ReceiveOperation::ReceiveOperation(RequestQueue* queue, ULONG capacity)
    : queue_(queue), buffer_(new uint64_t[capacity / sizeof(uint64_t)]()), capacity_(capacity) {}

void ReceiveOperation::start(HTTP_REQUEST_ID id) {
  id_ = id;
  queue_->loop().issue(this, [&](OVERLAPPED* overlapped, ULONG* returned) {
    return functions().ReceiveHttpRequest(queue_->handle(), id, api::kReceiveCopyBody, request(), capacity_, returned, overlapped);
  });
}

void ReceiveOperation::completed(ULONG error, ULONG bytes, bool atOnce) {
  switch (error) {
    case NO_ERROR:
      if (queue_->holdForCertificate(this)) return;
      queue_->onRequest(*request());
      queue_->received(this);
      return;
    case ERROR_MORE_DATA: {
      // RECV-3: the request is this caller's now, and only its ids are valid. `bytes` is what it takes.
      const HTTP_REQUEST_ID id = request()->RequestId;
      const ULONG needed = std::max(bytes, capacity_ * 2);
      if (needed > limits::kReceiveBytesMax) {
        queue_->refuse(id, errors::kHeadTooLong);
        queue_->received(this);
        return;
      }
      // Whether a packet follows a result of 234 that came at once is nowhere said; under Wine one does. So the OVERLAPPED is left alone.
      queue_->regrow(this, id, needed, atOnce);
      return;
    }
    case ERROR_OPERATION_ABORTED:
    case ERROR_INVALID_HANDLE:
      queue_->receiveCancelled(this, error);
      return;
    default:
      // RECV-4: the client of a request that was asked for by id is gone.
      if (id_ != HTTP_NULL_ID) {
        queue_->received(this);
      } else {
        queue_->receiveFailed(this, error);
      }
      return;
  }
}

}  // namespace driver
}  // namespace httpsys
