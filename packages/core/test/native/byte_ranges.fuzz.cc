// Range, If-Range and If-None-Match values: ranges lie inside, do not overlap and are few. The first byte chooses the length.
#include "portable/byte_ranges.h"

#include <string>
#include <string_view>

#include "fuzz.h"
#include "portable/conditional.h"

using namespace httpsys;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ExactCopy copy(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string_view text(copy.data(), copy.size());
  const std::string body(data[0] % 64, 'b');
  std::vector<ByteRange> ranges;
  const RangeOutcome outcome = parseRange(text, body.size(), &ranges);
  FUZZ_CHECK((outcome == RangeOutcome::kPartial) == !ranges.empty());
  FUZZ_CHECK(ranges.size() <= kByteRangesMax);
  for (size_t i = 0; i < ranges.size(); i++) {
    FUZZ_CHECK(ranges[i].first <= ranges[i].last && ranges[i].last < body.size());
    for (size_t k = 0; k < i; k++) FUZZ_CHECK(ranges[i].first > ranges[k].last || ranges[k].first > ranges[i].last);
  }
  if (ranges.size() > 1) {
    const MultipartBody made = composeMultipart(body, "text/plain", ranges);
    FUZZ_CHECK(made.body.size() <= body.size() + 256 * (ranges.size() + 1));
  }
  ifRangeHolds(text, "\"a\"", "Sun, 06 Nov 1994 08:49:37 GMT", 1700000000);
  isNotModified(text, "", "\"a\"", "", 1700000000);
  isNotModified(text, "", text, "", 1700000000);
  isNotModified("", text, "", text, 1700000000);
  std::string fields;
  appendNotModifiedFields(text, &fields);
  FUZZ_CHECK(fields.size() <= text.size() + 2);
  return 0;
}
