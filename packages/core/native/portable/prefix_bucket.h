// The prefixes of one bucket and host: longest match on segment boundaries, without case (ROUTE-2, ROUTE-4).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "portable/prefix_table.h"

namespace httpsys {

class PrefixBucket {
 public:
  // Up to this many prefixes are compared one by one, longest first; beyond, each segment boundary of the path is looked up by hash.
  static constexpr size_t kLinearMax = 8;

  void add(const UrlEntry* entry) { entries_.push_back(entry); }
  // To be called once after the last `add`.
  void seal();
  // `path` is cooked and begins with '/'.
  const UrlEntry* longest(std::string_view path) const;
  bool empty() const { return entries_.empty(); }

 private:
  const UrlEntry* probe(uint64_t hash, std::string_view path) const;

  std::vector<const UrlEntry*> entries_;  // by descending length of the path
  std::vector<const UrlEntry*> slots_;    // open addressing, a power of two; empty when the linear scan is used
  std::vector<uint64_t> hashes_;          // beside slots_
  size_t longestPath_ = 0;
};

}  // namespace httpsys
