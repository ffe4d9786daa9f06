// The output cache (http-server-api.md section 5): sharded, bounded in bytes, shared by all I/O threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
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
  uint64_t expiresAtMs = 0;  // monotonic; 0 = until flushed
};

struct CacheLimits {
  uint64_t totalBytes = 64ull * 1024 * 1024;
  uint32_t entryBytes = 262144;          // UriMaxUriBytes
  uint32_t scavengePeriodMs = 120000;    // UriScavengerPeriod
  uint32_t waitersPerKey = 4096;         // requests that may wait for one renewal
};

// Names one waiting request of one I/O thread.
struct CacheWaiter {
  uint32_t thread = 0;
  uint64_t ticket = 0;
};

enum class CacheLookup {
  kHit,    // `*entry` answers
  kMiss,   // ask the application; nothing is remembered
  kRenew,  // ask the application, and call `finishRenewal` with the same key whatever happens: others wait for it
  kWait,   // this request was added as a waiter; `wake` is called for its thread when the renewal ended
};

struct CacheStats {
  uint64_t hits = 0, misses = 0, stores = 0, evictions = 0, expirations = 0, flushes = 0, bytes = 0, entries = 0;
};

class Cache {
 public:
  // `wake` hands waiters back to their thread; it may be called from any thread and must only queue.
  Cache(const CacheLimits& limits, std::function<void(const std::vector<CacheWaiter>&)> wake);
  ~Cache();

  // key = makeKey(...). `nowMs` is the caller's cached monotonic clock.
  CacheLookup find(std::string_view key, uint64_t nowMs, const CacheWaiter& waiter, std::shared_ptr<const CachedResponse>* entry);
  // Replaces what is there. False when it is too large. Ends a renewal of that key and wakes its waiters.
  bool store(std::string_view key, std::shared_ptr<CachedResponse> entry, uint64_t nowMs);
  // The renewal ended without a stored response: waiters are woken and each asks again (the first renews, or it is forgotten).
  void finishRenewal(std::string_view key);
  // A waiter gave up (its client left).
  void removeWaiter(std::string_view key, const CacheWaiter& waiter);

  // Entries of `queueId` whose URL is `urlKeyPrefix` exactly, or begins with it when recursive (on a segment boundary). Returns how many.
  size_t flush(uint32_t queueId, std::string_view urlKey, bool recursive);
  size_t flushQueue(uint32_t queueId);
  void scavenge(uint64_t nowMs);
  CacheStats stats() const;

  // scheme, host:port as requested (folded), cooked path, '?query'. Written into `out`, which is cleared first.
  static void makeKey(bool https, std::string_view host, uint16_t port, std::string_view cookedPath, std::string_view query,
                      std::string* out);

 private:
  struct Shard;
  CacheLimits limits_;
  std::function<void(const std::vector<CacheWaiter>&)> wake_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace httpsys
