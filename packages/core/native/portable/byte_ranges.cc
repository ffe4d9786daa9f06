#include "portable/byte_ranges.h"

#include <algorithm>
#include <atomic>
#include <limits>

#include "common/http_date.h"
#include "portable/field_text.h"
#include "portable/keyed_hash.h"

namespace httpsys {
namespace {

// Digits to a number that stops at the largest one: a range end beyond every length is valid. False without digits or with anything else.
bool parseNumber(std::string_view text, uint64_t* value) {
  if (text.empty()) return false;
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  *value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    const uint64_t digit = static_cast<uint64_t>(c - '0');
    *value = *value > (kMax - digit) / 10 ? kMax : *value * 10 + digit;
  }
  return true;
}

enum class Member { kMalformed, kUnsatisfiable, kGood };

Member parseMember(std::string_view text, uint64_t length, ByteRange* range) {
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos) return Member::kMalformed;
  const std::string_view from = text.substr(0, dash);
  const std::string_view to = text.substr(dash + 1);
  uint64_t first = 0;
  uint64_t last = std::numeric_limits<uint64_t>::max();
  if (from.empty()) {
    uint64_t suffix = 0;
    if (!parseNumber(to, &suffix)) return Member::kMalformed;
    if (suffix == 0 || length == 0) return Member::kUnsatisfiable;
    range->first = suffix >= length ? 0 : length - suffix;
    range->last = length - 1;
    return Member::kGood;
  }
  if (!parseNumber(from, &first) || (!to.empty() && !parseNumber(to, &last)) || last < first) return Member::kMalformed;
  if (first >= length) return Member::kUnsatisfiable;
  range->first = first;
  range->last = std::min(last, length - 1);
  return Member::kGood;
}

void mergeOverlaps(std::vector<ByteRange>* ranges) {
  std::vector<ByteRange> sorted = *ranges;
  std::sort(sorted.begin(), sorted.end(), [](const ByteRange& a, const ByteRange& b) { return a.first < b.first; });
  std::vector<ByteRange> merged;
  for (const ByteRange& range : sorted) {
    if (!merged.empty() && range.first <= merged.back().last) {
      merged.back().last = std::max(merged.back().last, range.last);
    } else {
      merged.push_back(range);
    }
  }
  if (merged.size() != ranges->size()) ranges->swap(merged);
}

// Unlike any other of this process, and not to be foreseen by who wrote the body: hash of the body under its address and a count.
std::string makeBoundary(std::string_view representation) {
  static std::atomic<uint64_t> count{0};
  const uint64_t key[2] = {reinterpret_cast<uintptr_t>(&count), count.fetch_add(1, std::memory_order_relaxed)};
  uint64_t word = keyedHash(key, representation.substr(0, 256));
  std::string boundary = "httpsys_";
  for (int i = 0; i < 16; i++, word >>= 4) boundary.push_back("0123456789abcdef"[word & 15]);
  return boundary;
}

}  // namespace

RangeOutcome parseRange(std::string_view value, uint64_t length, std::vector<ByteRange>* ranges) {
  ranges->clear();
  if (value.size() > kRangeFieldBytesMax) return RangeOutcome::kWhole;
  const size_t equals = value.find('=');
  if (equals == std::string_view::npos || !equalsIgnoreCase(value.substr(0, equals), "bytes")) return RangeOutcome::kWhole;
  std::string_view rest = value.substr(equals + 1);
  size_t members = 0;
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view text = trimSpace(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    if (text.empty()) continue;  // empty list members are to be borne with (RFC 9110 section 5.6.1)
    ByteRange range;
    const Member member = parseMember(text, length, &range);
    if (member == Member::kMalformed || ++members > kByteRangesMax) {
      ranges->clear();
      return RangeOutcome::kWhole;
    }
    if (member == Member::kGood) ranges->push_back(range);
  }
  if (members == 0) return RangeOutcome::kWhole;
  if (ranges->empty()) return RangeOutcome::kUnsatisfiable;
  mergeOverlaps(ranges);
  return RangeOutcome::kPartial;
}

bool ifRangeHolds(std::string_view ifRange, std::string_view etag, std::string_view lastModified, int64_t nowSeconds) {
  if (ifRange.empty()) return true;
  if (ifRange[0] == '"') return isStrongEntityTag(etag) && ifRange == etag;
  if (ifRange.substr(0, 2) == "W/") return false;
  int64_t asked = 0;
  int64_t actual = 0;
  return parseHttpDate(ifRange, nowSeconds, &asked) && parseHttpDate(lastModified, nowSeconds, &actual) && asked == actual;
}

std::string contentRange(const ByteRange& range, uint64_t length) {
  return "bytes " + std::to_string(range.first) + "-" + std::to_string(range.last) + "/" + std::to_string(length);
}

std::string unsatisfiedRange(uint64_t length) { return "bytes */" + std::to_string(length); }

MultipartBody composeMultipart(std::string_view representation, std::string_view contentType, const std::vector<ByteRange>& ranges) {
  MultipartBody out;
  do {
    out.boundary = makeBoundary(representation);
  } while (representation.find(out.boundary) != std::string_view::npos);
  size_t size = 0;
  for (const ByteRange& range : ranges) size += range.length() + contentType.size() + 128;
  out.body.reserve(size + 64);
  for (const ByteRange& range : ranges) {
    out.body.append("--").append(out.boundary).append("\r\n");
    if (!contentType.empty()) out.body.append("Content-Type: ").append(contentType).append("\r\n");
    out.body.append("Content-Range: ").append(contentRange(range, representation.size())).append("\r\n\r\n");
    out.body.append(representation.substr(range.first, range.length())).append("\r\n");
  }
  out.body.append("--").append(out.boundary).append("--\r\n");
  return out;
}

}  // namespace httpsys
