#include <algorithm>

#include "check.h"
#include "common/http_parser.h"

using namespace httpsys;
using Result = ChunkedDecoder::Result;

namespace {

struct Decoded {
  ChunkedDecoder decoder;
  std::string body;
  Result result = Result::kNeedMore;
  size_t used = 0;

  // Feeds the text in pieces of `step` bytes.
  explicit Decoded(const std::string& text, size_t step = std::string::npos) {
    while (used < text.size() && (result == Result::kNeedMore || result == Result::kData)) {
      const size_t length = std::min(step, text.size() - used);
      size_t taken = 0;
      std::string_view piece;
      result = decoder.next(text.data() + used, length, &taken, &piece);
      if (result == Result::kData) body.append(piece);
      used += taken;
    }
  }
  Decoded(const Decoded&) = delete;
  Decoded& operator=(const Decoded&) = delete;
};

}  // namespace

TEST("a chunked body is decoded whatever the pieces it comes in") {
  const std::string text = "5\r\nhello\r\n1;a=b;c=\"d e\"\r\n \r\n00A\r\n0123456789\r\n0\r\n\r\n";
  for (size_t step = 1; step <= text.size(); ++step) {
    Decoded decoded(text, step);
    CHECK_EQ(decoded.result, Result::kEnd);
    CHECK_EQ(decoded.body, "hello 0123456789");
    CHECK_EQ(decoded.used, text.size());
    CHECK(decoded.decoder.trailers().empty());
  }
}

TEST("bytes behind the last chunk are not taken") {
  Decoded decoded("1\r\na\r\n0\r\n\r\nGET / HTTP/1.1");
  CHECK_EQ(decoded.result, Result::kEnd);
  CHECK_EQ(decoded.used, 11u);
  size_t used = 7;
  std::string_view piece;
  CHECK_EQ(decoded.decoder.next("GET", 3, &used, &piece), Result::kEnd);
  CHECK_EQ(used, 0u);
}

TEST("trailer fields are parsed and live in the decoder") {
  for (size_t step : {size_t{1}, size_t{3}, size_t{100}}) {
    Decoded decoded("0\r\nX-Sum: 12 \r\nexpires: never\r\n\r\n", step);
    CHECK_EQ(decoded.result, Result::kEnd);
    CHECK_EQ(decoded.decoder.trailers().size(), 2u);
    CHECK_EQ(decoded.decoder.trailers()[0].name, "X-Sum");
    CHECK_EQ(decoded.decoder.trailers()[0].value, "12");
    CHECK(decoded.decoder.trailers()[1].knownId != 0);
  }
}

TEST("a chunk size is hexadecimal digits and nothing around them") {
  for (const char* text : {"\r\n", "g\r\n", "-1\r\n", "+1\r\n", "0x1\r\n", " 1\r\n", "1 \r\n", "1\t\r\n", ";a\r\n", "1 ;a\r\n", "1\n", "1\ra", "1,\r\n", "1.0\r\n",
                           "00000000000000001\r\n", "1000000000000000\r\n", "ffffffffffffffff\r\n", "10000000000000000\r\n"}) {
    for (size_t step : {size_t{1}, size_t{100}}) CHECK_EQ(Decoded(text, step).result, Result::kError);
  }
  CHECK_EQ(Decoded(std::string("1\0\r\n", 4)).result, Result::kError);
}

TEST("the largest chunk size is below 2^60, leading zeros count as digits") {
  CHECK_EQ(Decoded("fffffffffffffff\r\n").result, Result::kNeedMore);
  CHECK_EQ(Decoded("0000000000000001\r\na\r\n0\r\n\r\n").result, Result::kEnd);
}

TEST("chunk data ends with CR LF exactly where its size says") {
  for (const char* text : {"1\r\nab\r\n", "2\r\na\r\n0", "1\r\na\n0\r\n\r\n", "1\r\na\rX", "1\r\na0\r\n\r\n"}) {
    for (size_t step : {size_t{1}, size_t{100}}) CHECK_EQ(Decoded(text, step).result, Result::kError);
  }
}

TEST("extensions hold no control characters and are bounded, one and all") {
  for (const char* text : {"1;a\n", "1;a\x01\r\n", "1;a\ra", "1;\x7f\r\n"}) CHECK_EQ(Decoded(text).result, Result::kError);
  const std::string longest = "1;" + std::string(ChunkedDecoder::kChunkLineBytesMax - 1, 'e');
  CHECK_EQ(Decoded(longest + "\r\na\r\n0\r\n\r\n").result, Result::kEnd);
  CHECK_EQ(Decoded(longest + "e").result, Result::kError);
  std::string many;
  for (int n = 0; n < 17; ++n) many += "1;" + std::string(1000, 'e') + "\r\na\r\n";
  CHECK_EQ(Decoded(many).result, Result::kError);
}

TEST("extensions that are too long are told from other errors") {
  CHECK(Decoded("1;" + std::string(ChunkedDecoder::kChunkLineBytesMax, 'e')).decoder.extensionsOverflowed());
  CHECK(!Decoded("1;a\n").decoder.extensionsOverflowed());
  CHECK(!Decoded("x").decoder.extensionsOverflowed());
}

TEST("a bad or too long trailer section is an error") {
  for (const char* text : {"0\r\nX : a\r\n\r\n", "0\r\n X: a\r\n\r\n", "0\r\nX: a\n\n", "0\r\nX: a\r\n b\r\n\r\n", "0\r\nX\r\n\r\n", "0\r\nContent-Length: 1\r\n\r\n", "0\r\ntransfer-encoding: chunked\r\n\r\n", "0\r\n\n", "0\r\n\rX"}) {
    const Result result = Decoded(text, 1).result;
    CHECK(result == Result::kError || (std::string(text) == "0\r\n\rX" && result == Result::kNeedMore));
  }
  CHECK_EQ(Decoded("0\r\nX: " + std::string(ChunkedDecoder::kTrailerBytesMax, 'v')).result, Result::kError);
  std::string many = "0\r\n";
  for (size_t n = 0; n < ChunkedDecoder::kTrailerCountMax; ++n) many += "X: a\r\n";
  CHECK_EQ(Decoded(many + "\r\n").result, Result::kEnd);
  CHECK_EQ(Decoded(many + "X: a\r\n\r\n").result, Result::kError);
}

TEST("a decoder that was reset knows nothing of the body before") {
  Decoded decoded("0\r\nX: a\r\n\r\n");
  decoded.decoder.reset();
  size_t used = 0;
  std::string_view piece;
  const std::string next = "3\r\nabc\r\n0\r\n\r\n";
  CHECK_EQ(decoded.decoder.next(next.data(), next.size(), &used, &piece), Result::kData);
  CHECK_EQ(piece, "abc");
  const size_t rest = used;
  CHECK_EQ(decoded.decoder.next(next.data() + rest, next.size() - rest, &used, &piece), Result::kEnd);
  CHECK(decoded.decoder.trailers().empty());
  Decoded broken("x");
  CHECK_EQ(broken.decoder.next("0", 1, &used, &piece), Result::kError);
}
