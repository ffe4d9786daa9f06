// The first byte is the size of the pieces; the decoded body and trailers must not depend on it.
#include <algorithm>
#include <string>

#include "common/http_parser.h"
#include "fuzz.h"

using namespace httpsys;
using Result = ChunkedDecoder::Result;

namespace {

struct Outcome {
  Result result = Result::kNeedMore;
  std::string body;
  std::string trailers;
  size_t used = 0;
};

Outcome decode(const char* text, size_t size, size_t step) {
  Outcome outcome;
  ChunkedDecoder decoder;
  // Every call takes a byte or ends the loop, so that this is bounded by the input.
  while (outcome.used < size) {
    const ExactCopy piece(text + outcome.used, std::min(step, size - outcome.used));
    size_t used = 0;
    std::string_view data;
    outcome.result = decoder.next(piece.data(), piece.size(), &used, &data);
    FUZZ_CHECK(used <= piece.size());
    if (outcome.result == Result::kData) {
      FUZZ_CHECK(!data.empty() && piece.holds(data));
      outcome.body.append(data);
    } else if (outcome.result == Result::kNeedMore) {
      FUZZ_CHECK(used == piece.size());
    }
    outcome.used += used;
    if (outcome.result == Result::kEnd || outcome.result == Result::kError) break;
  }
  if (outcome.result == Result::kEnd) {
    FUZZ_CHECK(decoder.trailers().size() <= ChunkedDecoder::kTrailerCountMax);
    for (const HeaderField& field : decoder.trailers()) {
      FUZZ_CHECK(!field.name.empty());
      outcome.trailers.append(field.name).append(":").append(field.value).append("\n");
    }
  }
  if (outcome.result == Result::kData) outcome.result = Result::kNeedMore;
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const char* text = reinterpret_cast<const char*>(data) + 1;
  const Outcome whole = decode(text, size - 1, size);
  const Outcome pieces = decode(text, size - 1, 1 + data[0] % 16);
  FUZZ_CHECK(whole.result == pieces.result && whole.body == pieces.body && whole.trailers == pieces.trailers);
  if (whole.result == Result::kEnd) FUZZ_CHECK(whole.used == pieces.used);
  return 0;
}
