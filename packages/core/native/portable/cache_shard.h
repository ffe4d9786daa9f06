// One shard of the output cache: a hash table whose nodes hang in an intrusive LRU list. Callers hold `mutex`.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "portable/cache.h"

namespace httpsys {

class CacheShard {
 public:
  // Keys without an entry that are remembered as having been cacheable, per shard.
  static constexpr size_t kTombstonesMax = 4096;

  CacheShard(const CacheLimits& limits, std::atomic<uint64_t>* totalBytes);
  ~CacheShard();
  CacheShard(const CacheShard&) = delete;
  CacheShard& operator=(const CacheShard&) = delete;

  std::mutex mutex;

  CacheLookup find(uint64_t hash, std::string_view key, uint64_t nowMs, const CacheWaiter& waiter,
                   std::shared_ptr<const CachedResponse>* entry, const CacheAsker& asker);
  // The three below move waiters to be woken to `woken`.
  void put(uint64_t hash, std::string_view key, std::shared_ptr<const CachedResponse> entry, std::vector<CacheWaiter>* woken);
  void finishRenewal(uint64_t hash, std::string_view key, RenewalEnd end, std::vector<CacheWaiter>* woken);
  void removeWaiter(uint64_t hash, std::string_view key, const CacheWaiter& waiter);

  size_t flush(uint32_t queueId, std::string_view urlKey, bool recursive);
  bool flushOne(uint64_t hash, uint32_t queueId, std::string_view key);
  size_t flushQueue(uint32_t queueId);
  void scavenge(uint64_t nowMs);
  // Drops least recently used nodes until the total is within the limit, or this shard within `share`; spares one key. What is being renewed stays.
  void evict(std::string_view spared, uint64_t share);
  void addTo(CacheStats* stats) const;

 private:
  struct Node;
  // A list with a sentinel-free pair of ends; `front` is the most recently used.
  struct List {
    Node* front = nullptr;
    Node* back = nullptr;
    size_t size = 0;
  };

  Node* lookup(uint64_t hash, std::string_view key) const;
  Node* insert(uint64_t hash, std::string_view key);
  void grow();
  void link(List* list, Node* node);
  void unlink(List* list, Node* node);
  List* listOf(const Node* node);
  void charge(Node* node);
  void toTombstone(Node* node);
  void erase(Node* node);
  void endRenewal(Node* node, std::vector<CacheWaiter>* woken);

  const CacheLimits& limits_;
  std::atomic<uint64_t>* totalBytes_;
  std::vector<Node*> buckets_;
  List live_;
  List tombstones_;
  uint64_t bytes_ = 0;
  CacheStats counts_;
};

}  // namespace httpsys
