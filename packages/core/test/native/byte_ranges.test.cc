// Range, If-Range and multipart/byteranges.
#include "portable/byte_ranges.h"

#include <string>
#include <vector>

#include "check.h"

using namespace httpsys;

namespace {

std::string parse(std::string_view value, uint64_t length) {
  std::vector<ByteRange> ranges;
  switch (parseRange(value, length, &ranges)) {
    case RangeOutcome::kWhole:
      return ranges.empty() ? "whole" : "whole with ranges";
    case RangeOutcome::kUnsatisfiable:
      return ranges.empty() ? "416" : "416 with ranges";
    case RangeOutcome::kPartial:
      break;
  }
  std::string out;
  for (const ByteRange& range : ranges) out += (out.empty() ? "" : ",") + std::to_string(range.first) + "-" + std::to_string(range.last);
  return out;
}

struct Row {
  const char* value;
  const char* result;
};

constexpr int64_t kNow = 1700000000;

}  // namespace

TEST("CACHE-26: ranges are read against the length (RFC 9110 section 14.1.2)") {
  const Row table[] = {
      {"bytes=0-4", "0-4"},       {"bytes=5-", "5-9"},         {"bytes=-3", "7-9"},
      {"bytes=0-99", "0-9"},      {"bytes=-99", "0-9"},        {"bytes=9-9", "9-9"},
      {"BYTES=1-2", "1-2"},       {"bytes=0-0,2-2", "0-0,2-2"}, {"bytes= 0-1 ,\t3-4 ", "0-1,3-4"},
      {"bytes=,,0-1,,", "0-1"},   {"bytes=8-9,0-1", "8-9,0-1"}, {"bytes=0-4,5-9", "0-4,5-9"},
      {"bytes=0-1,20-30", "0-1"}, {"bytes=20-30,-2", "8-9"},
      {"bytes=0-18446744073709551615", "0-9"}, {"bytes=0-99999999999999999999999", "0-9"}, {"bytes=-99999999999999999999999", "0-9"},
  };
  for (const Row& row : table) CHECK_EQ(parse(row.value, 10), std::string(row.result));
}

TEST("overlapping ranges are merged (RFC 9110 section 14.2)") {
  CHECK_EQ(parse("bytes=0-5,3-8", 10), std::string("0-8"));
  CHECK_EQ(parse("bytes=5-9,0-6,2-3", 10), std::string("0-9"));
  CHECK_EQ(parse("bytes=8-9,0-1,1-2", 10), std::string("0-2,8-9"));
  CHECK_EQ(parse("bytes=0-,0-,0-,0-", 10), std::string("0-9"));
}

TEST("a Range that is malformed, of another unit or too long is ignored") {
  for (const char* value : {"", "bytes", "bytes=", "bytes=,", "bytes=a-b", "bytes=1", "bytes=-", "bytes=5-3", "bytes=0-1,x",
      "bytes=1-2-3", "bytes=--1", "bytes=+1-2",
                            "bytes=0x1-2", "bytes=1 -2", "bytes =0-1", "items=0-1", "bytes:0-1", "=0-1"}) {
    CHECK_EQ(parse(value, 10), std::string("whole"));
  }
  std::string many = "bytes=0-0";
  for (size_t i = 1; i < kByteRangesMax; i++) many += "," + std::to_string(2 * i) + "-" + std::to_string(2 * i);
  std::vector<ByteRange> ranges;
  CHECK(parseRange(many, 1000, &ranges) == RangeOutcome::kPartial);
  CHECK_EQ(ranges.size(), kByteRangesMax);
  CHECK_EQ(parse(many + ",900-901", 1000), std::string("whole"));
  CHECK_EQ(parse("bytes=0-1" + std::string(kRangeFieldBytesMax, ','), 10), std::string("whole"));
}

TEST("when no range lies in the representation the answer is 416") {
  for (const char* value : {"bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99-100,-0",
      "bytes=18446744073709551615-"}) CHECK_EQ(parse(value, 10), std::string("416"));
  for (const char* value : {"bytes=0-", "bytes=0-0", "bytes=-5"}) CHECK_EQ(parse(value, 0), std::string("416"));
}

TEST("If-Range wants a strong tag or the exact date (RFC 9110 section 13.1.5)") {
  const char* date = "Sun, 06 Nov 1994 08:49:37 GMT";
  CHECK(ifRangeHolds("", "", "", kNow));
  CHECK(ifRangeHolds("\"a\"", "\"a\"", "", kNow));
  CHECK(!ifRangeHolds("\"a\"", "\"b\"", "", kNow));
  CHECK(!ifRangeHolds("\"a\"", "W/\"a\"", "", kNow));
  CHECK(!ifRangeHolds("W/\"a\"", "W/\"a\"", "", kNow));
  CHECK(!ifRangeHolds("\"a\"", "", date, kNow));
  CHECK(!ifRangeHolds("\"a", "\"a", "", kNow));
  CHECK(ifRangeHolds(date, "\"a\"", date, kNow));
  CHECK(ifRangeHolds("Sunday, 06-Nov-94 08:49:37 GMT", "", date, kNow));
  CHECK(!ifRangeHolds("Sun, 06 Nov 1994 08:49:38 GMT", "", date, kNow));
  CHECK(!ifRangeHolds(date, "", "", kNow));
  CHECK(!ifRangeHolds("nonsense", "", "nonsense", kNow));
}

TEST("a multipart body holds each part with its place, and its boundary nowhere else") {
  const std::string body = "0123456789";
  const MultipartBody made = composeMultipart(body, "text/plain", {{0, 1}, {8, 9}});
  const std::string part = "--" + made.boundary + "\r\nContent-Type: text/plain\r\nContent-Range: bytes ";
  CHECK_EQ(made.body, part + "0-1/10\r\n\r\n01\r\n" + part + "8-9/10\r\n\r\n89\r\n--" + made.boundary + "--\r\n");
  const MultipartBody other = composeMultipart(body, "", {{0, 1}, {8, 9}});
  CHECK(other.boundary != made.boundary);
  CHECK(other.body.find("Content-Type") == std::string::npos);
  CHECK(made.boundary.size() <= 70);  // RFC 2046 section 5.1.1
  CHECK_EQ(contentRange({2, 3}, 10), std::string("bytes 2-3/10"));
  CHECK_EQ(unsatisfiedRange(10), std::string("bytes */10"));
}
