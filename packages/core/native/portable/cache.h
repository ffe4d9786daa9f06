// The output cache (http-server-api.md section 5): sharded, bounded in bytes, shared by all I/O threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace httpsys {

struct CachedResponse {
  uint16_t status = 200;
  std::string head;  // status line and the application's fields, without Content-Length, Date, Connection, Keep-Alive
  std::string body;
  std::string etag;          // copies for conditional and range answers
  std::string lastModified;
  std::string contentType;
  std::string plain;         // head + Content-Length line, ready for the common full answer; Date and Connection follow, then CRLF and body
  bool forceDisconnect = false;
  bool hasDate = false;
  uint32_t queueId = 0;
  uint32_t urlContext = 0;   // of the URL that the request was routed by
  uint64_t expiresAtMs = 0;  // monotonic; 0 = until flushed
  uint64_t flushMark = 0;    // Cache::flushMark() when the request went to the application; 0 = not checked

  size_t bytes() const;  // what the entry counts against CacheLimits::totalBytes, its key aside
};

struct CacheLimits {
  uint64_t totalBytes = 64ull * 1024 * 1024;
  uint32_t entryBytes = 262144;          // UriMaxUriBytes: status line, fields and body; the largest any queue may ask for
  uint32_t scavengePeriodMs = 120000;    // UriScavengerPeriod: how often the owner calls `scavenge`
  uint32_t waitersPerKey = 4096;         // requests that may wait for one renewal; more go to the application
  uint32_t renewalLeaseMs = 60000;       // a renewal older than this no longer holds others back
};

// Names one waiting request of one I/O thread.
struct CacheWaiter {
  uint32_t thread = 0;
  uint64_t ticket = 0;
};

// Who asks: an entry answers only requests of the route it was made for. Queue 0: any.
struct CacheAsker {
  CacheAsker(uint32_t queue = 0, uint32_t context = 0, bool renews = true) : queueId(queue), urlContext(context), mayRenew(renews) {}
  uint32_t queueId;
  uint32_t urlContext;
  bool mayRenew;  // false: its answer could not become an entry (CACHE-9), so nobody should wait for it
};

enum class CacheLookup {
  kHit,    // `*entry` answers
  kMiss,   // ask the application; nothing is remembered
  kRenew,  // ask the application, and call `finishRenewal` with the same key whatever happens: others wait for it
  kWait,   // this request was added as a waiter; `wake` is called for its thread when the renewal ended
};

// How a renewal ended without a stored response.
enum class RenewalEnd {
  kNotCacheable,  // the application answered without a policy: the key is forgotten and the waiters go to the application side by side
  kAbandoned,     // no answer (client gone, application gone): the first waiter that asks again renews
};

struct CacheStats {
  uint64_t hits = 0, misses = 0, stores = 0, evictions = 0, expirations = 0, flushes = 0, bytes = 0, entries = 0;
};

class CacheShard;

// All functions may be called from any thread. One shard lock at a time is held, never while `wake` runs.
class Cache {
 public:
  static constexpr size_t kShards = 16;
  // Flushes that are remembered so that an answer computed before one is not stored after it.
  static constexpr size_t kRememberedFlushes = 64;
  // In front of the key of a fragment, so that no request finds it.
  static constexpr char kFragmentMark = '#';

  // `wake` hands waiters back to their thread; it may be called from any thread and must only queue.
  Cache(const CacheLimits& limits, std::function<void(const std::vector<CacheWaiter>&)> wake);
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  // key = makeKey(...). `nowMs` is the caller's cached monotonic clock. An entry of another route is dropped and never served: a longer
  // prefix was registered since, or a client named the Host of one port on another. kWait counts as neither hit nor miss.
  CacheLookup find(std::string_view key, uint64_t nowMs, const CacheWaiter& waiter, std::shared_ptr<const CachedResponse>* entry,
                   const CacheAsker& asker = CacheAsker());
  // Replaces what is there. False when it is too large, or was flushed since `flushMark`. Ends a renewal of that key and wakes its waiters
  // in either case, so no `finishRenewal` is needed after it (one more does no harm).
  bool store(std::string_view key, std::shared_ptr<CachedResponse> entry, uint64_t nowMs);
  // The renewal ended without a stored response: waiters are woken and each asks again.
  void finishRenewal(std::string_view key, RenewalEnd end = RenewalEnd::kNotCacheable);
  // A waiter gave up (its client left).
  void removeWaiter(std::string_view key, const CacheWaiter& waiter);

  // Taken when a request goes to the application, for CachedResponse::flushMark.
  uint64_t flushMark() const { return flushMark_.load(std::memory_order_acquire); }

  // Entries of `queueId` whose URL is `urlKey` exactly, or lies below it when recursive (on a segment boundary; with any query).
  // The authority may be "*" or "+", with or without a port ("http://*:8080/shop/"), or an address: it then stands for every authority of
  // the queue, since clients of such prefixes send whatever Host they like. A name stands for itself with its port, and for requests
  // whose Host had none. Returns how many.
  size_t flush(uint32_t queueId, std::string_view urlKey, bool recursive);
  // CACHE-34: the queue is gone.
  size_t flushQueue(uint32_t queueId);
  // CACHE-31: drops what expired, and what was not asked for since the last call.
  void scavenge(uint64_t nowMs);
  CacheStats stats() const;

  // scheme, host:port as requested (folded), cooked path, '?query'. Written into `out`, which is cleared first. `host` is the name as
  // splitHost gives it; `port` is the Host's, or the scheme's (80, 443) when it names none: an application may put it into links. '?' and
  // '%' of the path are escaped, so that no path is another path with a query.
  static void makeKey(bool https, std::string_view host, uint16_t port, std::string_view cookedPath, std::string_view query,
                      std::string* out);

 private:
  struct FlushRecord {
    uint64_t mark = 0;
    uint32_t queueId = 0;
    bool recursive = false;
    bool wholeQueue = false;
    std::string urlKey;
  };

  uint64_t hashOf(std::string_view key) const;
  CacheShard& shardOf(uint64_t hash) const;
  size_t flushNamed(uint32_t queueId, std::string_view key);
  size_t flushOne(uint32_t queueId, std::string_view key);
  void rememberFlush(FlushRecord record);
  bool flushedSince(uint64_t mark, uint32_t queueId, std::string_view key) const;
  void wake(const std::vector<CacheWaiter>& waiters) const;
  void evictElsewhere(uint64_t hash, std::string_view spared);

  CacheLimits limits_;
  std::function<void(const std::vector<CacheWaiter>&)> wake_;
  uint64_t seed_[2];
  std::atomic<uint64_t> bytes_{0};
  std::atomic<uint64_t> flushMark_{1};
  mutable std::mutex flushMutex_;
  std::vector<FlushRecord> recentFlushes_;  // a ring, by mark modulo kRememberedFlushes
  std::vector<std::unique_ptr<CacheShard>> shards_;
};

// Whether the entry of `key` is meant by a flush of `urlKey`; see Cache::flush.
bool flushCovers(std::string_view urlKey, bool recursive, std::string_view key);

}  // namespace httpsys
