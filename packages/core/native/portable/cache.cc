#include "portable/cache.h"

#include <cstring>
#include <random>

#include "portable/cache_shard.h"
#include "portable/fold_case.h"
#include "portable/keyed_hash.h"

namespace httpsys {
namespace {

uint64_t randomWord(std::random_device* source) {
  return (static_cast<uint64_t>((*source)()) << 32) | static_cast<uint32_t>((*source)());
}

// "http://" of a key or flush URL, and where the path begins.
struct KeyParts {
  std::string_view scheme, authority, rest;
};

bool splitKey(std::string_view key, KeyParts* parts) {
  const size_t colon = key.find("://");
  if (colon == std::string_view::npos) return false;
  const size_t slash = key.find('/', colon + 3);
  if (slash == std::string_view::npos) return false;
  parts->scheme = key.substr(0, colon);
  parts->authority = key.substr(colon + 3, slash - colon - 3);
  parts->rest = key.substr(slash);
  return true;
}

// A wildcard, or an address, by which prefixes take whatever Host comes (URL-6, CACHE-33).
bool meansAnyAuthority(std::string_view authority) {
  if (authority.empty()) return false;
  if (authority[0] == '*' || authority[0] == '+') return authority.size() == 1 || authority[1] == ':';
  return authority[0] == '[' || authority.substr(0, authority.find(':')).find_first_not_of("0123456789.") == std::string_view::npos;
}

std::string_view withoutPort(std::string_view authority) { return authority.substr(0, authority.rfind(':')); }

std::string_view impliedPort(std::string_view scheme) { return scheme == "https" ? ":443" : ":80"; }

// A Host without a port is kept under the scheme's port, and it is a request to the same prefix.
bool authorityCovers(const KeyParts& wanted, const KeyParts& actual) {
  if (wanted.authority == actual.authority || meansAnyAuthority(wanted.authority)) return true;
  const std::string_view name = withoutPort(actual.authority);
  return name == withoutPort(wanted.authority) && actual.authority.substr(name.size()) == impliedPort(actual.scheme);
}

}  // namespace

size_t CachedResponse::bytes() const {
  return sizeof(CachedResponse) + head.size() + body.size() + etag.size() + lastModified.size() + contentType.size() + plain.size();
}

bool flushCovers(std::string_view urlKey, bool recursive, std::string_view key) {
  if (!key.empty() && key.front() == Cache::kFragmentMark) key.remove_prefix(1);
  KeyParts wanted, actual;
  if (!splitKey(urlKey, &wanted) || !splitKey(key, &actual) || wanted.scheme != actual.scheme) return false;
  if (!authorityCovers(wanted, actual)) return false;
  if (wanted.rest == actual.rest) return true;
  // A query has nothing below it.
  if (!recursive || wanted.rest.find('?') != std::string_view::npos) return false;
  std::string_view stem = wanted.rest;
  stem.remove_suffix(stem.back() == '/' ? 1 : 0);
  if (actual.rest.substr(0, stem.size()) != stem) return false;
  return actual.rest.size() == stem.size() || actual.rest[stem.size()] == '/' || actual.rest[stem.size()] == '?';
}

Cache::Cache(const CacheLimits& limits, std::function<void(const std::vector<CacheWaiter>&)> wake)
    : limits_(limits), wake_(std::move(wake)), recentFlushes_(kRememberedFlushes) {
  std::random_device source;
  seed_[0] = randomWord(&source);
  seed_[1] = randomWord(&source);
  for (size_t i = 0; i < kShards; i++) shards_.push_back(std::make_unique<CacheShard>(limits_, &bytes_));
}

Cache::~Cache() = default;

uint64_t Cache::hashOf(std::string_view key) const { return keyedHash(seed_, key); }

// The table inside a shard uses the low bits.
CacheShard& Cache::shardOf(uint64_t hash) const { return *shards_[(hash >> 56) % kShards]; }

void Cache::wake(const std::vector<CacheWaiter>& waiters) const {
  if (!waiters.empty() && wake_) wake_(waiters);
}

CacheLookup Cache::find(std::string_view key, uint64_t nowMs, const CacheWaiter& waiter, std::shared_ptr<const CachedResponse>* entry,
                        const CacheAsker& asker) {
  const uint64_t hash = hashOf(key);
  CacheShard& shard = shardOf(hash);
  const std::lock_guard<std::mutex> lock(shard.mutex);
  return shard.find(hash, key, nowMs, waiter, entry, asker);
}

bool Cache::store(std::string_view key, std::shared_ptr<CachedResponse> entry, uint64_t nowMs) {
  const uint64_t hash = hashOf(key);
  CacheShard& shard = shardOf(hash);
  std::vector<CacheWaiter> woken;
  const bool expired = entry->expiresAtMs != 0 && nowMs >= entry->expiresAtMs;
  bool fits = !expired && entry->head.size() + entry->body.size() <= limits_.entryBytes &&
              entry->bytes() + key.size() <= limits_.totalBytes;
  {
    const std::lock_guard<std::mutex> lock(shard.mutex);
    // Looked up under the shard's lock: a flush records itself before it visits the shards, so it is either seen here or finds the entry.
    const bool flushed = fits && flushedSince(entry->flushMark, entry->queueId, key);
    if (fits && !flushed) {
      shard.put(hash, key, std::move(entry), &woken);
      shard.evict(key, limits_.totalBytes / kShards);
    } else {
      shard.finishRenewal(hash, key, flushed ? RenewalEnd::kAbandoned : RenewalEnd::kNotCacheable, &woken);
      fits = false;
    }
  }
  if (fits && bytes_.load(std::memory_order_relaxed) > limits_.totalBytes) evictElsewhere(hash, key);
  wake(woken);
  return fits;
}

// What is asked for all the time must not go because its shard has little else: the shards above their share give first, the new entry's own last.
void Cache::evictElsewhere(uint64_t hash, std::string_view spared) {
  const size_t own = (hash >> 56) % kShards;
  for (const uint64_t share : {limits_.totalBytes / kShards, uint64_t{0}}) {
    for (size_t n = 1; n <= kShards; n++) {
      CacheShard& shard = *shards_[(own + n) % kShards];
      const std::lock_guard<std::mutex> lock(shard.mutex);
      shard.evict(spared, share);
      if (bytes_.load(std::memory_order_relaxed) <= limits_.totalBytes) return;
    }
  }
}

void Cache::finishRenewal(std::string_view key, RenewalEnd end) {
  const uint64_t hash = hashOf(key);
  CacheShard& shard = shardOf(hash);
  std::vector<CacheWaiter> woken;
  {
    const std::lock_guard<std::mutex> lock(shard.mutex);
    shard.finishRenewal(hash, key, end, &woken);
  }
  wake(woken);
}

void Cache::removeWaiter(std::string_view key, const CacheWaiter& waiter) {
  const uint64_t hash = hashOf(key);
  CacheShard& shard = shardOf(hash);
  const std::lock_guard<std::mutex> lock(shard.mutex);
  shard.removeWaiter(hash, key, waiter);
}

void Cache::rememberFlush(FlushRecord record) {
  const std::lock_guard<std::mutex> lock(flushMutex_);
  const uint64_t mark = flushMark_.load(std::memory_order_relaxed) + 1;
  record.mark = mark;
  recentFlushes_[mark % kRememberedFlushes] = std::move(record);
  flushMark_.store(mark, std::memory_order_release);
}

bool Cache::flushedSince(uint64_t mark, uint32_t queueId, std::string_view key) const {
  if (mark == 0 || mark == flushMark_.load(std::memory_order_acquire)) return false;
  const std::lock_guard<std::mutex> lock(flushMutex_);
  // What the ring has forgotten may have meant this key.
  if (flushMark_.load(std::memory_order_relaxed) - mark > kRememberedFlushes) return true;
  for (const FlushRecord& record : recentFlushes_) {
    if (record.mark <= mark || record.queueId != queueId) continue;
    if (record.wholeQueue || flushCovers(record.urlKey, record.recursive, key)) return true;
  }
  return false;
}

size_t Cache::flush(uint32_t queueId, std::string_view urlKey, bool recursive) {
  KeyParts parts;
  if (!splitKey(urlKey, &parts)) return 0;
  FlushRecord record;
  record.queueId = queueId;
  record.recursive = recursive;
  record.urlKey.assign(urlKey);
  rememberFlush(std::move(record));
  if (!recursive && !meansAnyAuthority(parts.authority)) {
    std::string implied(parts.scheme);
    implied.append("://").append(withoutPort(parts.authority)).append(impliedPort(parts.scheme)).append(parts.rest);
    return flushNamed(queueId, urlKey) + (implied == urlKey ? 0 : flushNamed(queueId, implied));
  }
  size_t count = 0;
  for (const std::unique_ptr<CacheShard>& shard : shards_) {
    const std::lock_guard<std::mutex> lock(shard->mutex);
    count += shard->flush(queueId, urlKey, recursive);
  }
  return count;
}

// The response of a URL, and the fragment of that name.
size_t Cache::flushNamed(uint32_t queueId, std::string_view key) {
  return flushOne(queueId, key) + flushOne(queueId, std::string(1, kFragmentMark).append(key));
}

size_t Cache::flushOne(uint32_t queueId, std::string_view key) {
  const uint64_t hash = hashOf(key);
  CacheShard& shard = shardOf(hash);
  const std::lock_guard<std::mutex> lock(shard.mutex);
  return shard.flushOne(hash, queueId, key) ? 1 : 0;
}

size_t Cache::flushQueue(uint32_t queueId) {
  FlushRecord record;
  record.queueId = queueId;
  record.wholeQueue = true;
  rememberFlush(std::move(record));
  size_t count = 0;
  for (const std::unique_ptr<CacheShard>& shard : shards_) {
    const std::lock_guard<std::mutex> lock(shard->mutex);
    count += shard->flushQueue(queueId);
  }
  return count;
}

void Cache::scavenge(uint64_t nowMs) {
  for (const std::unique_ptr<CacheShard>& shard : shards_) {
    const std::lock_guard<std::mutex> lock(shard->mutex);
    shard->scavenge(nowMs);
  }
}

CacheStats Cache::stats() const {
  CacheStats stats;
  for (const std::unique_ptr<CacheShard>& shard : shards_) {
    const std::lock_guard<std::mutex> lock(shard->mutex);
    shard->addTo(&stats);
  }
  return stats;
}

void Cache::makeKey(bool https, std::string_view host, uint16_t port, std::string_view cookedPath, std::string_view query,
                    std::string* out) {
  out->clear();
  out->append(https ? "https://" : "http://");
  const bool literal = host.find(':') != std::string_view::npos;
  if (literal) out->push_back('[');
  const size_t hostAt = out->size();
  out->append(host);
  for (size_t i = 0; i < host.size();) {
    unsigned char bytes[2];
    const size_t n = foldAt(host, i, bytes);
    std::memcpy(&(*out)[hostAt + i], bytes, n);
    i += n;
  }
  if (literal) out->push_back(']');
  out->push_back(':');
  char digits[5];
  size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + port % 10);
    port = static_cast<uint16_t>(port / 10);
  } while (port != 0);
  while (count > 0) out->push_back(digits[--count]);
  if (cookedPath.empty() || cookedPath.front() != '/') out->push_back('/');
  if (cookedPath.find('?') == std::string_view::npos && cookedPath.find('%') == std::string_view::npos) {
    out->append(cookedPath);
  } else {
    for (const char c : cookedPath) {
      if (c == '?') {
        out->append("%3F");
      } else if (c == '%') {
        out->append("%25");
      } else {
        out->push_back(c);
      }
    }
  }
  out->append(query);
}

}  // namespace httpsys
