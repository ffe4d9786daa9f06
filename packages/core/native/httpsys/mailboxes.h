// Where the JavaScript thread and a queue's I/O thread meet.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "common/byte_buffer.h"
#include "httpsys/driver.h"

namespace httpsys {
namespace driver {

// Frames of one `submit`. Sends under way keep it alive.
struct Batch {
  std::unique_ptr<uint8_t[]> bytes;
  size_t length = 0;
};

// To the I/O thread, in the order in which it was put there.
struct Order {
  enum Kind { kBatch, kStart, kFlush, kSettings, kClose };
  Kind kind;
  std::shared_ptr<Batch> batch;
  uint32_t number = 0;  // credit of kStart, token of kFlush
  bool recursive = false;
  std::u16string url;
  QueueSettings settings;
};

class Inbox {
 public:
  // True when the I/O thread must be woken.
  bool put(Order order) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (order.batch != nullptr) bytes_ += order.batch->length;
    orders_.push_back(std::move(order));
    return !std::exchange(signalled_, true);
  }
  size_t bytes() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return bytes_;
  }
  void take(std::vector<Order>* orders) {
    orders->clear();
    const std::lock_guard<std::mutex> lock(mutex_);
    orders->swap(orders_);
    bytes_ = 0;
    signalled_ = false;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Order> orders_;
  size_t bytes_ = 0;
  bool signalled_ = false;
};

class Outbox {
 public:
  explicit Outbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  // Takes the frames over and leaves an empty buffer.
  void put(ByteBuffer* frames) {
    if (frames->empty()) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (frames_.empty()) {
      frames_.swap(*frames);
    } else {
      frames_.append(frames->view());
    }
    frames->clear();
    signal();
  }
  void put(QueueEvent event) {
    const std::lock_guard<std::mutex> lock(mutex_);
    // Frames of a channel that has ended are not to be seen any more.
    if (event.kind == QueueEvent::kFailed) frames_.clear();
    events_.push_back(std::move(event));
    signal();
  }
  void take(ByteBuffer* frames, std::vector<QueueEvent>* events) {
    frames->clear();
    events->clear();
    const std::lock_guard<std::mutex> lock(mutex_);
    frames_.swap(*frames);
    events_.swap(*events);
    signalled_ = false;
  }
  // From here on nobody is woken; when this returns no call of `wake` is under way.
  void silence() {
    const std::lock_guard<std::mutex> lock(mutex_);
    wake_ = nullptr;
  }

 private:
  void signal() {
    if (std::exchange(signalled_, true) || !wake_) return;
    wake_();
  }

  std::mutex mutex_;
  ByteBuffer frames_;
  std::vector<QueueEvent> events_;
  bool signalled_ = false;
  std::function<void()> wake_;
};

}  // namespace driver
}  // namespace httpsys
