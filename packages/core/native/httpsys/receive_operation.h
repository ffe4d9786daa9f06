// Takes the next request of a queue (RECV-1 to RECV-6).
#pragma once

#include <cstdint>
#include <memory>

#include "httpsys/operation.h"

namespace httpsys {
namespace driver {

class RequestQueue;

class ReceiveOperation final : public Operation {
 public:
  explicit ReceiveOperation(RequestQueue* queue, ULONG capacity);

  // The next request, or the one of an id that did not fit into a smaller buffer.
  void start(HTTP_REQUEST_ID id);
  ULONG capacity() const { return capacity_; }
  HTTP_REQUEST* request() { return reinterpret_cast<HTTP_REQUEST*>(buffer_.get()); }

  void completed(ULONG error, ULONG bytes, bool atOnce) override;

 private:
  RequestQueue* queue_;
  // Of 64-bit words, for RECV-2 wants it aligned to eight bytes.
  std::unique_ptr<uint64_t[]> buffer_;
  ULONG capacity_;
  HTTP_REQUEST_ID id_ = HTTP_NULL_ID;
};

}  // namespace driver
}  // namespace httpsys
