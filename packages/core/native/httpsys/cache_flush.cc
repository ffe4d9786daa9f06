// Flushing the driver's response cache (CACHE-33).
#include <memory>
#include <string>
#include <utility>

#include "httpsys/http_functions.h"
#include "httpsys/operation.h"
#include "httpsys/request_queue.h"

namespace httpsys {
namespace driver {

namespace {

class FlushOperation final : public Operation {
 public:
  FlushOperation(RequestQueue* queue, uint32_t token, std::u16string url) : queue_(queue), token_(token), url_(std::move(url)) {}

  void start(bool recursive) {
    queue_->loop().issue(this, [&](OVERLAPPED* overlapped, ULONG*) {
      return functions().FlushResponseCache(queue_->handle(), reinterpret_cast<PCWSTR>(url_.c_str()), recursive ? api::kFlushRecursive : 0,
                                            overlapped);
    });
  }

  void completed(ULONG error, ULONG, bool) override {
    queue_->outbox().put(QueueEvent{QueueEvent::kFlushed, token_, error, std::string()});
    delete this;
  }

 private:
  RequestQueue* queue_;
  uint32_t token_;
  std::u16string url_;
};

}  // namespace

void RequestQueue::flushCache(uint32_t token, std::u16string url, bool recursive) {
  if (!capabilities().responseCache) {
    outbox_.put(QueueEvent{QueueEvent::kFlushed, token, ERROR_CALL_NOT_IMPLEMENTED, std::string()});
    return;
  }
  // CACHE-33 wants a URL below one that is registered. With the URLs went what was stored for them (CACHE-34); those of a queue that was opened by its name
  // are its creator's.
  if (urlsRemovedAt_ != 0 && options_.mode != QueueMode::kAttach) {
    outbox_.put(QueueEvent{QueueEvent::kFlushed, token, NO_ERROR, std::string()});
    return;
  }
  (new FlushOperation(this, token, std::move(url)))->start(recursive);
}

}  // namespace driver
}  // namespace httpsys
