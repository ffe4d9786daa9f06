#include "portable/fragments.h"

#include <string>

#include "portable/url_key.h"

namespace httpsys {

namespace {

bool fragmentKey(std::string_view name, std::string* key) {
  if (!urlKey(name, key)) return false;
  key->insert(key->begin(), Cache::kFragmentMark);
  return true;
}

}  // namespace

frames::FragmentResult addFragment(Cache* cache, uint32_t queueId, const FragmentParts& parts, uint64_t bytesMax, uint64_t nowMs) {
  std::string key;
  if (!fragmentKey(parts.name, &key)) return frames::kFragmentInvalid;
  if (parts.data.size() > bytesMax) return frames::kFragmentTooLarge;
  auto entry = std::make_shared<CachedResponse>();
  entry->body.assign(parts.data);
  entry->queueId = queueId;
  const int64_t seconds = policySeconds(parts.policy);
  entry->expiresAtMs = seconds == 0 ? 0 : nowMs + static_cast<uint64_t>(seconds) * 1000;
  return cache->store(key, std::move(entry), nowMs) ? frames::kFragmentStored : frames::kFragmentTooLarge;
}

std::shared_ptr<const CachedResponse> findFragment(Cache* cache, uint32_t queueId, std::string_view name, uint64_t nowMs) {
  std::string key;
  std::shared_ptr<const CachedResponse> entry;
  if (!fragmentKey(name, &key)) return nullptr;
  // Nobody renews a fragment, so nobody waits for one.
  const CacheLookup found = cache->find(key, nowMs, CacheWaiter(), &entry, CacheAsker(queueId, 0, false));
  return found == CacheLookup::kHit ? entry : nullptr;
}

}  // namespace httpsys
