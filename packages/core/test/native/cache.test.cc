// The output cache: storing, expiry, single renewal, flushing, bounds, and several threads at once.
#include "portable/cache.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "check.h"

using namespace httpsys;

namespace {

struct Wakes {
  std::mutex mutex;
  std::vector<CacheWaiter> all;
  std::function<void(const std::vector<CacheWaiter>&)> listener() {
    return [this](const std::vector<CacheWaiter>& some) {
      const std::lock_guard<std::mutex> lock(mutex);
      all.insert(all.end(), some.begin(), some.end());
    };
  }
};

std::shared_ptr<CachedResponse> response(std::string body, uint64_t expiresAtMs = 0, uint32_t queueId = 1) {
  auto out = std::make_shared<CachedResponse>();
  out->head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";
  out->plain = out->head + "Content-Length: " + std::to_string(body.size()) + "\r\n";
  out->body = std::move(body);
  out->expiresAtMs = expiresAtMs;
  out->queueId = queueId;
  return out;
}

CacheLookup find(Cache& cache, std::string_view key, uint64_t nowMs = 0, uint64_t ticket = 0, uint32_t queueId = 0) {
  std::shared_ptr<const CachedResponse> entry;
  return cache.find(key, nowMs, CacheWaiter{0, ticket}, &entry, queueId);
}

std::string bodyOf(Cache& cache, std::string_view key, uint64_t nowMs = 0) {
  std::shared_ptr<const CachedResponse> entry;
  return cache.find(key, nowMs, CacheWaiter(), &entry) == CacheLookup::kHit ? entry->body : "<none>";
}

std::string key(std::string_view path, std::string_view query = "", std::string_view host = "h", uint16_t port = 80) {
  std::string out;
  Cache::makeKey(false, host, port, path, query, &out);
  return out;
}

}  // namespace

TEST("CACHE-22, CACHE-23: the key is scheme, folded host, port, path and query, and two URLs never share one") {
  CHECK_EQ(key("/A/b", "?Q=1", "Host.Example", 8080), std::string("http://host.example:8080/A/b?Q=1"));
  CHECK_EQ(key("/", "", "::1", 65535), std::string("http://[::1]:65535/"));
  std::string secure = "old text";
  Cache::makeKey(true, "h", 443, "*", "", &secure);
  CHECK_EQ(secure, std::string("https://h:443/*"));
  CHECK(key("/a?b") != key("/a", "?b"));
  CHECK(key("/a%3Fb") != key("/a?b"));
  CHECK(key("/a") != key("/A"));
}

TEST("an entry is served until it expires (CACHE-32)") {
  Cache cache(CacheLimits(), nullptr);
  CHECK(find(cache, "http://h:80/a") == CacheLookup::kMiss);
  CHECK(cache.store("http://h:80/a", response("one", 1000), 0));
  CHECK_EQ(bodyOf(cache, "http://h:80/a", 999), std::string("one"));
  CHECK_EQ(bodyOf(cache, "http://h:80/b", 999), std::string("<none>"));
  CHECK(find(cache, "http://h:80/a", 1000) == CacheLookup::kRenew);
  CHECK(cache.store("http://h:80/a", response("two"), 1001));
  CHECK_EQ(bodyOf(cache, "http://h:80/a", ~0ull), std::string("two"));
  const CacheStats stats = cache.stats();
  CHECK_EQ(stats.hits, 2u);
  CHECK_EQ(stats.misses, 3u);
  CHECK_EQ(stats.stores, 2u);
  CHECK_EQ(stats.expirations, 1u);
  CHECK_EQ(stats.entries, 1u);
}

TEST("an entry in use outlives its replacement") {
  Cache cache(CacheLimits(), nullptr);
  cache.store("http://h:80/a", response("one"), 0);
  std::shared_ptr<const CachedResponse> held;
  CHECK(cache.find("http://h:80/a", 0, CacheWaiter(), &held) == CacheLookup::kHit);
  cache.store("http://h:80/a", response("two"), 0);
  cache.flushQueue(1);
  CHECK_EQ(held->body, std::string("one"));
}

TEST("CACHE-10: what is larger than an entry or than the cache is not stored") {
  CacheLimits limits;
  limits.entryBytes = 1000;
  Cache cache(limits, nullptr);
  CHECK(!cache.store("http://h:80/a", response(std::string(1000, 'x')), 0));
  CHECK(cache.store("http://h:80/a", response(std::string(900, 'x')), 0));
  CHECK(!cache.store("http://h:80/b", response("late", 5), 5));
  limits.totalBytes = 600;
  Cache tiny(limits, nullptr);
  CHECK(!tiny.store("http://h:80/a", response(std::string(900, 'x')), 0));
  CHECK_EQ(tiny.stats().entries, 0u);
}

TEST("one request renews, the others wait and are woken by the stored answer") {
  Wakes wakes;
  Cache cache(CacheLimits(), wakes.listener());
  cache.store("http://h:80/a", response("one", 10), 0);
  CHECK(find(cache, "http://h:80/a", 10, 1) == CacheLookup::kRenew);
  CHECK(find(cache, "http://h:80/a", 10, 2) == CacheLookup::kWait);
  CHECK(find(cache, "http://h:80/a", 10, 3) == CacheLookup::kWait);
  CHECK(find(cache, "http://h:80/a", 10, 4) == CacheLookup::kWait);
  cache.removeWaiter("http://h:80/a", CacheWaiter{0, 3});
  cache.removeWaiter("http://h:80/a", CacheWaiter{1, 2});
  CHECK(wakes.all.empty());
  cache.store("http://h:80/a", response("two", 20), 11);
  CHECK_EQ(wakes.all.size(), size_t{2});
  CHECK(wakes.all[0].ticket + wakes.all[1].ticket == 6);
  CHECK_EQ(bodyOf(cache, "http://h:80/a", 12), std::string("two"));
  cache.finishRenewal("http://h:80/a", RenewalEnd::kNotCacheable);
  CHECK_EQ(bodyOf(cache, "http://h:80/a", 12), std::string("two"));
  CHECK_EQ(cache.stats().misses, 1u);
}

TEST("an abandoned renewal passes to the first waiter that asks again") {
  Wakes wakes;
  Cache cache(CacheLimits(), wakes.listener());
  cache.store("http://h:80/a", response("one", 10), 0);
  CHECK(find(cache, "http://h:80/a", 10, 1) == CacheLookup::kRenew);
  CHECK(find(cache, "http://h:80/a", 10, 2) == CacheLookup::kWait);
  cache.finishRenewal("http://h:80/a", RenewalEnd::kAbandoned);
  CHECK_EQ(wakes.all.size(), size_t{1});
  CHECK(find(cache, "http://h:80/a", 10, 2) == CacheLookup::kRenew);
  CHECK(find(cache, "http://h:80/a", 10, 3) == CacheLookup::kWait);
}

TEST("a key whose answer is no longer cacheable is forgotten") {
  Wakes wakes;
  Cache cache(CacheLimits(), wakes.listener());
  cache.store("http://h:80/a", response("one", 10), 0);
  CHECK(find(cache, "http://h:80/a", 10, 1) == CacheLookup::kRenew);
  CHECK(find(cache, "http://h:80/a", 10, 2) == CacheLookup::kWait);
  cache.finishRenewal("http://h:80/a");
  CHECK_EQ(wakes.all.size(), size_t{1});
  CHECK(find(cache, "http://h:80/a", 10, 2) == CacheLookup::kMiss);
  CHECK(find(cache, "http://h:80/a", 10, 3) == CacheLookup::kMiss);
  CHECK_EQ(cache.stats().bytes, 0u);
}

TEST("waiters are bounded, and a renewal that takes too long holds nobody back") {
  Wakes wakes;
  CacheLimits limits;
  limits.waitersPerKey = 2;
  limits.renewalLeaseMs = 100;
  Cache cache(limits, wakes.listener());
  cache.store("http://h:80/a", response("one", 10), 0);
  CHECK(find(cache, "http://h:80/a", 10, 1) == CacheLookup::kRenew);
  CHECK(find(cache, "http://h:80/a", 9, 2) == CacheLookup::kWait);
  CHECK(find(cache, "http://h:80/a", 10, 3) == CacheLookup::kWait);
  CHECK(find(cache, "http://h:80/a", 10, 4) == CacheLookup::kMiss);
  CHECK(find(cache, "http://h:80/a", 110, 5) == CacheLookup::kRenew);
  CHECK(find(cache, "http://h:80/a", 111, 6) == CacheLookup::kMiss);
  cache.store("http://h:80/a", response("two"), 120);
  CHECK_EQ(wakes.all.size(), size_t{2});
}

TEST("CACHE-33: flush takes one URL, or with recursive all below on segment boundaries") {
  Cache cache(CacheLimits(), nullptr);
  const std::vector<std::string> paths = {"/", "/shop", "/shop/", "/shop/a", "/shop/a/b", "/shopping", "/other"};
  const auto fill = [&] {
    for (const std::string& path : paths) cache.store(key(path), response(path), 0);
    cache.store(key("/shop", "?x=1"), response("q"), 0);
    cache.store(key("/shop/a", "?x=1"), response("q"), 0);
    cache.store(key("/shop/a", "", "h", 81), response("port"), 0);
  };
  fill();
  CHECK_EQ(cache.flush(1, key("/shop/a"), false), size_t{1});
  CHECK_EQ(cache.flush(1, key("/shop/a"), false), size_t{0});
  CHECK_EQ(bodyOf(cache, key("/shop/a", "?x=1")), std::string("q"));
  CHECK(find(cache, key("/shop/a")) == CacheLookup::kRenew);
  fill();
  CHECK_EQ(cache.flush(1, key("/shop/"), true), size_t{6});
  CHECK_EQ(bodyOf(cache, key("/shopping")), std::string("/shopping"));
  CHECK_EQ(bodyOf(cache, key("/shop/a", "", "h", 81)), std::string("port"));
  fill();
  CHECK_EQ(cache.flush(1, key("/shop"), true), size_t{6});
  fill();
  CHECK_EQ(cache.flush(1, key("/"), true), size_t{9});
  fill();
  CHECK_EQ(cache.flush(1, key("/shop/a", "?x=1"), true), size_t{1});
  CHECK_EQ(cache.flush(1, "nonsense", true), size_t{0});
  CHECK_EQ(cache.flush(1, "http://h:80", true), size_t{0});
}

TEST("a wildcard authority flushes under every name of the queue") {
  Cache cache(CacheLimits(), nullptr);
  for (const char* host : {"a.example", "127.0.0.1", "::1"}) cache.store(key("/x", "", host, 8080), response("r"), 0);
  cache.store(key("/y", "", "a.example", 8080), response("r"), 0);
  CHECK_EQ(cache.flush(1, "http://*:8080/x", false), size_t{3});
  CHECK_EQ(cache.flush(1, "http://+/", true), size_t{1});
  CHECK_EQ(cache.flush(1, "http://*x/", true), size_t{0});
}

TEST("CACHE-33: a name flushes what was asked for without a port too, an address whatever the Host was") {
  Cache cache(CacheLimits(), nullptr);
  const auto fill = [&] {
    cache.store(key("/x", "", "a.example", 8080), response("r"), 0);
    cache.store(key("/x", "", "a.example", 80), response("r"), 0);
    cache.store(key("/x", "", "b.example", 8080), response("r"), 0);
    cache.store(key("/x", "", "::1", 8080), response("r"), 0);
  };
  fill();
  CHECK_EQ(cache.flush(1, key("/x", "", "a.example", 8080), false), size_t{2});
  fill();
  CHECK_EQ(cache.flush(1, key("/x", "", "a.example", 8080), true), size_t{2});
  fill();
  CHECK_EQ(cache.flush(1, key("/x", "", "a.example", 80), false), size_t{1});
  fill();
  CHECK_EQ(cache.flush(1, key("/x", "", "127.0.0.1", 8080), false), size_t{4});
  fill();
  CHECK_EQ(cache.flush(1, key("/", "", "::1", 8080), true), size_t{4});
  fill();
  CHECK_EQ(cache.flush(1, key("/x", "", "c.example", 8080), true), size_t{0});
}

TEST("CACHE-33, CACHE-34: only entries of the queue are flushed, and none of another queue is served") {
  Cache cache(CacheLimits(), nullptr);
  cache.store("http://h:80/a", response("one", 0, 1), 0);
  cache.store("http://h:80/b", response("two", 0, 2), 0);
  CHECK_EQ(cache.flush(2, "http://h:80/a", false), size_t{0});
  CHECK_EQ(cache.flush(2, "http://h:80/", true), size_t{1});
  CHECK_EQ(cache.flushQueue(2), size_t{0});
  CHECK_EQ(cache.flushQueue(1), size_t{1});
  CHECK_EQ(cache.stats().bytes, 0u);
  cache.store("http://h:80/a", response("one", 0, 1), 0);
  CHECK(find(cache, "http://h:80/a", 0, 0, 1) == CacheLookup::kHit);
  CHECK(find(cache, "http://h:80/a", 0, 0, 3) == CacheLookup::kMiss);
  CHECK(find(cache, "http://h:80/a", 0, 0, 1) == CacheLookup::kMiss);
}

TEST("an answer computed before a flush is not stored after it") {
  Wakes wakes;
  Cache cache(CacheLimits(), wakes.listener());
  const auto late = [&](uint64_t mark, uint32_t queueId = 1) {
    auto out = response("stale", 0, queueId);
    out->flushMark = mark;
    return out;
  };
  uint64_t mark = cache.flushMark();
  CHECK(cache.store("http://h:80/a/b", late(mark), 0));
  cache.flush(1, "http://h:80/a", true);
  CHECK(find(cache, "http://h:80/a/b", 0, 1) == CacheLookup::kRenew);
  CHECK(find(cache, "http://h:80/a/b", 0, 2) == CacheLookup::kWait);
  CHECK(!cache.store("http://h:80/a/b", late(mark), 0));
  CHECK_EQ(wakes.all.size(), size_t{1});
  CHECK(find(cache, "http://h:80/a/b", 0, 2) == CacheLookup::kRenew);
  CHECK(cache.store("http://h:80/c", late(mark), 0));
  CHECK(cache.store("http://h:80/a/d", late(mark, 2), 0));
  CHECK(cache.store("http://h:80/a/b", late(cache.flushMark()), 0));
  mark = cache.flushMark();
  cache.flushQueue(1);
  CHECK(!cache.store("http://h:80/c", late(mark), 0));
  mark = cache.flushMark();
  for (size_t i = 0; i < Cache::kRememberedFlushes; i++) cache.flush(9, "http://x:80/", false);
  CHECK(cache.store("http://h:80/e", late(mark), 0));
  cache.flush(9, "http://x:80/", false);
  CHECK(!cache.store("http://h:80/e", late(mark), 0));
}

TEST("CACHE-31: the scavenger drops what was not asked for since its last pass") {
  Cache cache(CacheLimits(), nullptr);
  cache.store("http://h:80/a", response("a"), 0);
  cache.store("http://h:80/b", response("b"), 0);
  cache.store("http://h:80/c", response("c", 50), 0);
  cache.scavenge(1);
  CHECK_EQ(cache.stats().entries, 3u);
  CHECK_EQ(bodyOf(cache, "http://h:80/a", 2), std::string("a"));
  CHECK_EQ(bodyOf(cache, "http://h:80/c", 2), std::string("c"));
  cache.scavenge(60);
  CHECK_EQ(cache.stats().entries, 1u);
  CHECK(find(cache, "http://h:80/b", 61) == CacheLookup::kMiss);
  CHECK(find(cache, "http://h:80/c", 61) == CacheLookup::kRenew);
  cache.scavenge(62);
  cache.scavenge(63);
  CHECK_EQ(cache.stats().entries, 0u);
  CHECK(find(cache, "http://h:80/c", 64) == CacheLookup::kWait);
}

TEST("memory is bounded and the least recently used go first") {
  CacheLimits limits;
  limits.totalBytes = 256 * 1024;
  Cache cache(limits, nullptr);
  cache.store("http://h:80/hot", response(std::string(1024, 'h')), 0);
  for (int i = 0; i < 2000; i++) {
    CHECK(cache.store("http://h:80/" + std::to_string(i), response(std::string(1024, 'x')), 0));
    CHECK(cache.stats().bytes <= limits.totalBytes);
    CHECK_EQ(bodyOf(cache, "http://h:80/hot").size(), size_t{1024});
  }
  CHECK(cache.stats().entries > 100);
  CHECK(cache.stats().evictions > 1500);
  // One entry that needs nearly all of it takes the place of those in every shard.
  limits.entryBytes = 250 * 1024;
  Cache large(limits, nullptr);
  for (int i = 0; i < 500; i++) large.store("http://h:80/" + std::to_string(i), response(std::string(1024, 'x')), 0);
  CHECK(large.store("http://h:80/large", response(std::string(240 * 1024, 'x')), 0));
  CHECK(large.stats().bytes <= limits.totalBytes);
  CHECK_EQ(bodyOf(large, "http://h:80/large").size(), size_t{240 * 1024});
}

TEST("CACHE-31: what is asked for all the time stays, also where its shard has little else") {
  CacheLimits limits;
  limits.totalBytes = 1024 * 1024;
  // Which keys share a shard is another matter in each.
  for (int n = 0; n < 40; n++) {
    Cache cache(limits, nullptr);
    cache.store("http://h:80/hot", response(std::string(20 * 1024, 'h')), 0);
    for (int i = 0; i < 400; i++) {
      CHECK(cache.store("http://h:80/" + std::to_string(i), response(std::string(20 * 1024, 'x')), 0));
      CHECK_EQ(bodyOf(cache, "http://h:80/hot").size(), size_t{20 * 1024});
      CHECK(cache.stats().bytes <= limits.totalBytes);
    }
    CHECK(cache.stats().entries > 40);
  }
}

TEST("remembered keys are bounded too") {
  CacheLimits limits;
  limits.totalBytes = 1024 * 1024 * 1024;
  Cache cache(limits, nullptr);
  for (int i = 0; i < 150000; i++) cache.store("http://h:80/" + std::to_string(i), response("x"), 0);
  CHECK_EQ(cache.flush(1, "http://h:80/", true), size_t{150000});
  CHECK_EQ(cache.stats().entries, 0u);
  CHECK(cache.stats().bytes < 16u * 4096 * 512);
  int renewals = 0;
  for (int i = 0; i < 150000; i++) renewals += find(cache, "http://h:80/" + std::to_string(i)) == CacheLookup::kRenew;
  CHECK(renewals > 0);
  CHECK(renewals <= 16 * 4096);
}

TEST("several threads find, store, wait and flush, and no waiter is left behind") {
  constexpr int kThreads = 4;
  constexpr int kSteps = 20000;
  std::atomic<uint64_t> woken{0};
  std::atomic<uint64_t> waits{0};
  CacheLimits limits;
  limits.totalBytes = 64 * 1024;
  Cache cache(limits, [&](const std::vector<CacheWaiter>& some) { woken += some.size(); });
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < kThreads; t++) {
    threads.emplace_back([&, t] {
      std::mt19937 random(static_cast<unsigned>(t));
      for (int i = 0; i < kSteps; i++) {
        const std::string url = "http://h:80/" + std::to_string(random() % 40);
        const uint64_t now = static_cast<uint64_t>(i);
        std::shared_ptr<const CachedResponse> entry;
        switch (cache.find(url, now, CacheWaiter{static_cast<uint32_t>(t), static_cast<uint64_t>(i)}, &entry)) {
          case CacheLookup::kHit:
            if (entry->body.compare(0, url.size(), url) != 0) wrong++;
            break;
          case CacheLookup::kWait:
            waits++;
            break;
          case CacheLookup::kRenew:
            if (random() % 4 == 0) {
              cache.finishRenewal(url, random() % 2 == 0 ? RenewalEnd::kAbandoned : RenewalEnd::kNotCacheable);
              break;
            }
            [[fallthrough]];
          case CacheLookup::kMiss: {
            auto made = response(url + std::string(random() % 4096, '.'), now + random() % 50);
            made->flushMark = cache.flushMark();
            cache.store(url, std::move(made), now);
            break;
          }
        }
        if (i % 500 == 0) cache.flush(1, "http://h:80/", true);
        if (i % 900 == 0) cache.scavenge(now);
        if (i % 100 == 0 && cache.stats().bytes > limits.totalBytes + kThreads * 8192) wrong++;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_EQ(wrong.load(), 0);
  CHECK_EQ(woken.load(), waits.load());
  CHECK(cache.stats().hits > 1000);
}
