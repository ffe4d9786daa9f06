// Range requests answered from a cache entry (RFC 9110 section 14, CACHE-26). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace httpsys {

// Both ends belong to the range.
struct ByteRange {
  uint64_t first = 0;
  uint64_t last = 0;
  uint64_t length() const { return last - first + 1; }
};

// A Range with more members than this is ignored: the whole representation is the cheaper answer (RFC 9110 section 14.2).
constexpr size_t kByteRangesMax = 16;
// A longer field value is ignored as well.
constexpr size_t kRangeFieldBytesMax = 1024;
// Several ranges are composed in memory for each client; of a larger representation the whole is sent, from the entry itself.
constexpr uint64_t kMultipartBytesMax = 1024 * 1024;

enum class RangeOutcome {
  kWhole,          // no range, another unit, malformed, or too many: 200 with everything
  kPartial,        // 206 with `ranges`
  kUnsatisfiable,  // 416
};

// Parses a Range field value against a representation of `length` bytes. Unsatisfiable members are left out of `ranges`; when any two
// overlap, the ranges come sorted and merged, else in the order asked for.
RangeOutcome parseRange(std::string_view value, uint64_t length, std::vector<ByteRange>* ranges);

// If-Range (RFC 9110 section 13.1.5): a strong entity tag equal to `etag`, or a date that is exactly `lastModified`. An absent (empty)
// field holds. `nowSeconds` is the wall clock, for dates with two digits of the year.
bool ifRangeHolds(std::string_view ifRange, std::string_view etag, std::string_view lastModified, int64_t nowSeconds);

// "bytes 0-4/10"
std::string contentRange(const ByteRange& range, uint64_t length);
// "bytes */10", of a 416
std::string unsatisfiedRange(uint64_t length);

struct MultipartBody {
  std::string boundary;  // for Content-Type: multipart/byteranges; boundary=...
  std::string body;
};

// The multipart/byteranges body (RFC 9110 section 14.6). `contentType` may be empty. The boundary occurs in no part. `ranges` come from
// parseRange: at most kByteRangesMax and without overlap, so the body is little longer than the representation.
MultipartBody composeMultipart(std::string_view representation, std::string_view contentType, const std::vector<ByteRange>& ranges);

}  // namespace httpsys
