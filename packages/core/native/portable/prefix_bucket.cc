#include "portable/prefix_bucket.h"

#include <algorithm>

#include "portable/fold_case.h"

namespace httpsys {
namespace {

// FNV-1a: only registered prefixes are in the table, so no client can build collisions.
constexpr uint64_t kHashStart = 14695981039346656037ull;
inline uint64_t hashStep(uint64_t hash, unsigned char c) { return (hash ^ c) * 1099511628211ull; }
// Its low bits alone are weak.
inline size_t slotOf(uint64_t hash, size_t mask) { return static_cast<size_t>((hash ^ (hash >> 29)) & mask); }

// Whether `prefix` (folded, ends with '/') covers `path`: equal, below, or equal but for the final slash (ROUTE-4).
bool covers(std::string_view prefix, std::string_view path) {
  const size_t stem = prefix.size() - 1;
  if (path.size() < stem) return false;
  if (path.size() > stem && path[stem] != '/') return false;
  return equalsFolded(prefix.substr(0, stem), path.substr(0, stem));
}

}  // namespace

void PrefixBucket::seal() {
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const UrlEntry* a, const UrlEntry* b) { return a->path.size() > b->path.size(); });
  longestPath_ = entries_.empty() ? 0 : entries_[0]->path.size();
  if (entries_.size() <= kLinearMax) return;
  size_t capacity = 32;
  while (capacity < entries_.size() * 2) capacity *= 2;
  slots_.assign(capacity, nullptr);
  hashes_.assign(capacity, 0);
  const size_t mask = capacity - 1;
  for (const UrlEntry* entry : entries_) {
    uint64_t hash = kHashStart;
    for (const char c : entry->path) hash = hashStep(hash, static_cast<unsigned char>(c));
    size_t slot = slotOf(hash, mask);
    bool duplicate = false;
    for (; slots_[slot] != nullptr && !duplicate; slot = (slot + 1) & mask) {
      duplicate = hashes_[slot] == hash && slots_[slot]->path == entry->path;
    }
    if (duplicate) continue;
    slots_[slot] = entry;
    hashes_[slot] = hash;
  }
}

const UrlEntry* PrefixBucket::probe(uint64_t hash, std::string_view path) const {
  const size_t mask = slots_.size() - 1;
  for (size_t slot = slotOf(hash, mask); slots_[slot] != nullptr; slot = (slot + 1) & mask) {
    if (hashes_[slot] == hash && covers(slots_[slot]->path, path)) return slots_[slot];
  }
  return nullptr;
}

const UrlEntry* PrefixBucket::longest(std::string_view path) const {
  if (slots_.empty()) {
    for (const UrlEntry* entry : entries_) {
      if (covers(entry->path, path)) return entry;
    }
    return nullptr;
  }
  // One pass hashes the folded path; every '/' ends a candidate, and the last one found is the longest.
  const UrlEntry* found = nullptr;
  uint64_t hash = kHashStart;
  const size_t end = std::min(path.size(), longestPath_);
  size_t i = 0;
  while (i < end) {
    unsigned char bytes[2];
    const size_t n = foldAt(path, i, bytes);
    for (size_t k = 0; k < n; k++) hash = hashStep(hash, bytes[k]);
    if (bytes[0] == '/') {
      const UrlEntry* entry = probe(hash, path.substr(0, i + 1));
      if (entry != nullptr) found = entry;
    }
    i += n;
  }
  if (i == path.size() && path.back() != '/') {
    const UrlEntry* entry = probe(hashStep(hash, '/'), path);
    if (entry != nullptr) found = entry;
  }
  return found;
}

}  // namespace httpsys
