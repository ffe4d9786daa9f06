// Counters of one I/O thread: written by that thread alone, read by `queryState` from another.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace httpsys {

// A count with one writer: a plain add for that thread, never a locked instruction, and no torn read elsewhere.
class Counter {
 public:
  void add(uint64_t n) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  void subtract(uint64_t n) { value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed); }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

struct UrlCounters {
  Counter requests, hits;
};

struct QueueCounters {
  Counter requests, hits, inFlight, upgraded, bytesOut;
};

struct ThreadCounters {
  Counter connections, accepted, requests, hits, bytesIn, bytesOut;

  // The pointers stay valid as long as the thread: a URL that is registered again counts on.
  UrlCounters* url(uint32_t queueId, uint32_t urlContext) {
    std::lock_guard<std::mutex> guard(mutex);
    auto& slot = urls[{queueId, urlContext}];
    if (!slot) slot = std::make_unique<UrlCounters>();
    return slot.get();
  }
  QueueCounters* queue(uint32_t queueId) {
    std::lock_guard<std::mutex> guard(mutex);
    auto& slot = queues[queueId];
    if (!slot) slot = std::make_unique<QueueCounters>();
    return slot.get();
  }
  void dropQueue(uint32_t queueId) {
    std::lock_guard<std::mutex> guard(mutex);
    queues.erase(queueId);
    urls.erase(urls.lower_bound({queueId, 0}), urls.upper_bound({queueId, UINT32_MAX}));
  }
  void reject(const char* reason) {
    std::lock_guard<std::mutex> guard(mutex);
    ++rejections[reason];
  }

  // Guards the maps, not the counters.
  std::mutex mutex;
  std::map<std::pair<uint32_t, uint32_t>, std::unique_ptr<UrlCounters>> urls;
  std::map<uint32_t, std::unique_ptr<QueueCounters>> queues;
  std::map<std::string, uint64_t> rejections;
};

}  // namespace httpsys
