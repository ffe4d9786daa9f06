#include "portable/cache_shard.h"

#include <algorithm>

namespace httpsys {

struct CacheShard::Node {
  uint64_t hash = 0;
  std::string key;
  std::shared_ptr<const CachedResponse> entry;  // null: a tombstone
  std::vector<CacheWaiter> waiters;
  uint64_t renewingSinceMs = 0;
  size_t cost = 0;
  uint32_t queueId = 0;
  bool renewing = false;
  bool used = true;  // since the last scavenge
  Node* chain = nullptr;
  Node* before = nullptr;
  Node* after = nullptr;
};

namespace {
constexpr size_t kFirstBuckets = 64;
}

CacheShard::CacheShard(const CacheLimits& limits, std::atomic<uint64_t>* totalBytes)
    : limits_(limits), totalBytes_(totalBytes), buckets_(kFirstBuckets, nullptr) {}

CacheShard::~CacheShard() {
  for (List* list : {&live_, &tombstones_}) {
    while (list->front != nullptr) erase(list->front);
  }
}

CacheShard::Node* CacheShard::lookup(uint64_t hash, std::string_view key) const {
  for (Node* node = buckets_[hash & (buckets_.size() - 1)]; node != nullptr; node = node->chain) {
    if (node->hash == hash && node->key == key) return node;
  }
  return nullptr;
}

CacheShard::Node* CacheShard::insert(uint64_t hash, std::string_view key) {
  if (live_.size + tombstones_.size >= buckets_.size()) grow();
  Node* node = new Node();
  node->hash = hash;
  node->key.assign(key);
  Node*& bucket = buckets_[hash & (buckets_.size() - 1)];
  node->chain = bucket;
  bucket = node;
  link(&tombstones_, node);
  return node;
}

void CacheShard::grow() {
  std::vector<Node*> larger(buckets_.size() * 2, nullptr);
  for (Node* node : buckets_) {
    while (node != nullptr) {
      Node* next = node->chain;
      Node*& bucket = larger[node->hash & (larger.size() - 1)];
      node->chain = bucket;
      bucket = node;
      node = next;
    }
  }
  buckets_.swap(larger);
}

CacheShard::List* CacheShard::listOf(const Node* node) { return node->entry ? &live_ : &tombstones_; }

void CacheShard::link(List* list, Node* node) {
  node->before = nullptr;
  node->after = list->front;
  if (list->front != nullptr) list->front->before = node;
  list->front = node;
  if (list->back == nullptr) list->back = node;
  list->size++;
}

void CacheShard::unlink(List* list, Node* node) {
  (node->before != nullptr ? node->before->after : list->front) = node->after;
  (node->after != nullptr ? node->after->before : list->back) = node->before;
  list->size--;
}

void CacheShard::charge(Node* node) {
  const size_t cost = sizeof(Node) + node->key.size() + (node->entry ? node->entry->bytes() : 0);
  bytes_ += cost - node->cost;
  totalBytes_->fetch_add(static_cast<uint64_t>(cost) - node->cost, std::memory_order_relaxed);
  node->cost = cost;
}

void CacheShard::erase(Node* node) {
  unlink(listOf(node), node);
  Node** at = &buckets_[node->hash & (buckets_.size() - 1)];
  while (*at != node) at = &(*at)->chain;
  *at = node->chain;
  bytes_ -= node->cost;
  totalBytes_->fetch_sub(node->cost, std::memory_order_relaxed);
  delete node;
}

void CacheShard::toTombstone(Node* node) {
  unlink(&live_, node);
  node->entry.reset();
  charge(node);
  link(&tombstones_, node);
  node->used = true;
  // The oldest ones give way; those somebody waits for are spared, and `waitersPerKey` and the requests in flight bound them.
  for (Node* old = tombstones_.back; old != nullptr && tombstones_.size > kTombstonesMax;) {
    Node* before = old->before;
    if (old != node && !old->renewing && old->waiters.empty()) erase(old);
    old = before;
  }
}

CacheLookup CacheShard::find(uint64_t hash, std::string_view key, uint64_t nowMs, const CacheWaiter& waiter,
                             std::shared_ptr<const CachedResponse>* entry, const CacheAsker& asker) {
  Node* node = lookup(hash, key);
  if (node == nullptr) {
    counts_.misses++;
    return CacheLookup::kMiss;
  }
  node->used = true;
  if (node->entry) {
    const bool foreign = asker.queueId != 0 && (node->entry->queueId != asker.queueId || node->entry->urlContext != asker.urlContext);
    const bool expired = node->entry->expiresAtMs != 0 && nowMs >= node->entry->expiresAtMs;
    if (!foreign && !expired) {
      if (live_.front != node) {
        unlink(&live_, node);
        link(&live_, node);
      }
      counts_.hits++;
      *entry = node->entry;
      return CacheLookup::kHit;
    }
    if (expired) counts_.expirations++;
    if (foreign && !node->renewing) {
      erase(node);
      counts_.misses++;
      return CacheLookup::kMiss;
    }
    toTombstone(node);
  }
  // A clock that steps back (another thread's cached time) must not look like an old renewal.
  const bool held = node->renewing && (nowMs < node->renewingSinceMs || nowMs - node->renewingSinceMs < limits_.renewalLeaseMs);
  if (held && node->waiters.size() < limits_.waitersPerKey) {
    node->waiters.push_back(waiter);
    return CacheLookup::kWait;
  }
  counts_.misses++;
  if (held || !asker.mayRenew) return CacheLookup::kMiss;
  node->renewing = true;
  node->renewingSinceMs = nowMs;
  return CacheLookup::kRenew;
}

void CacheShard::endRenewal(Node* node, std::vector<CacheWaiter>* woken) {
  node->renewing = false;
  if (woken->empty()) {
    woken->swap(node->waiters);
  } else {
    woken->insert(woken->end(), node->waiters.begin(), node->waiters.end());
  }
  std::vector<CacheWaiter>().swap(node->waiters);
}

void CacheShard::put(uint64_t hash, std::string_view key, std::shared_ptr<const CachedResponse> entry, std::vector<CacheWaiter>* woken) {
  Node* node = lookup(hash, key);
  if (node == nullptr) node = insert(hash, key);
  unlink(listOf(node), node);
  node->queueId = entry->queueId;
  node->entry = std::move(entry);
  node->used = true;
  link(&live_, node);
  charge(node);
  counts_.stores++;
  endRenewal(node, woken);
}

void CacheShard::finishRenewal(uint64_t hash, std::string_view key, RenewalEnd end, std::vector<CacheWaiter>* woken) {
  Node* node = lookup(hash, key);
  if (node == nullptr || !node->renewing) return;
  endRenewal(node, woken);
  if (end == RenewalEnd::kNotCacheable && !node->entry) erase(node);
}

void CacheShard::removeWaiter(uint64_t hash, std::string_view key, const CacheWaiter& waiter) {
  Node* node = lookup(hash, key);
  if (node == nullptr) return;
  for (CacheWaiter& other : node->waiters) {
    if (other.thread != waiter.thread || other.ticket != waiter.ticket) continue;
    other = node->waiters.back();
    node->waiters.pop_back();
    return;
  }
}

bool CacheShard::flushOne(uint64_t hash, uint32_t queueId, std::string_view key) {
  Node* node = lookup(hash, key);
  if (node == nullptr || !node->entry || node->queueId != queueId) return false;
  toTombstone(node);
  counts_.flushes++;
  return true;
}

size_t CacheShard::flush(uint32_t queueId, std::string_view urlKey, bool recursive) {
  size_t count = 0;
  for (Node* node = live_.front; node != nullptr;) {
    Node* next = node->after;
    if (node->queueId == queueId && flushCovers(urlKey, recursive, node->key)) {
      toTombstone(node);
      count++;
    }
    node = next;
  }
  counts_.flushes += count;
  return count;
}

size_t CacheShard::flushQueue(uint32_t queueId) {
  size_t count = 0;
  for (List* list : {&live_, &tombstones_}) {
    for (Node* node = list->front; node != nullptr;) {
      Node* next = node->after;
      if (node->queueId == queueId) {
        count += node->entry ? 1 : 0;
        if (!node->renewing) {
          erase(node);
        } else if (node->entry) {
          toTombstone(node);
        }
      }
      node = next;
    }
  }
  counts_.flushes += count;
  return count;
}

void CacheShard::scavenge(uint64_t nowMs) {
  for (Node* node = tombstones_.front; node != nullptr;) {
    Node* next = node->after;
    if (!node->renewing && !node->used) {
      erase(node);
    } else {
      node->used = false;
    }
    node = next;
  }
  for (Node* node = live_.front; node != nullptr;) {
    Node* next = node->after;
    if (node->entry->expiresAtMs != 0 && nowMs >= node->entry->expiresAtMs) {
      counts_.expirations++;
      if (node->used || node->renewing) {
        toTombstone(node);
      } else {
        erase(node);
      }
    } else if (!node->used) {
      counts_.evictions++;
      if (node->renewing) {
        toTombstone(node);
      } else {
        erase(node);
      }
    } else {
      node->used = false;
    }
    node = next;
  }
}

void CacheShard::evict(std::string_view spared, uint64_t share) {
  const auto isOver = [&] { return bytes_ > share && totalBytes_->load(std::memory_order_relaxed) > limits_.totalBytes; };
  for (List* list : {&tombstones_, &live_}) {
    for (Node* node = list->back; node != nullptr && isOver();) {
      Node* before = node->before;
      if (!node->renewing && node->waiters.empty() && node->key != spared) {
        if (node->entry) counts_.evictions++;
        erase(node);
      }
      node = before;
    }
  }
}

void CacheShard::addTo(CacheStats* stats) const {
  stats->hits += counts_.hits;
  stats->misses += counts_.misses;
  stats->stores += counts_.stores;
  stats->evictions += counts_.evictions;
  stats->expirations += counts_.expirations;
  stats->flushes += counts_.flushes;
  stats->bytes += bytes_;
  stats->entries += live_.size;
}

}  // namespace httpsys
