// A head parsed whole and the same head in pieces must agree, and every view must lie inside the input.
#include "common/http_parser.h"
#include "fuzz.h"

using namespace httpsys;

namespace {

struct Outcome {
  ParseStatus status = ParseStatus::kIncomplete;
  RequestHead head;
  ParseError error;
  size_t consumed = 0;
};

void parse(const ExactCopy& input, const ParserLimits& limits, Outcome* outcome) {
  size_t scanned = 0;
  outcome->status = parseRequestHead(input.data(), input.size(), limits, &scanned, &outcome->head, &outcome->consumed, &outcome->error);
}

void checkViews(const ExactCopy& input, const Outcome& outcome, const ParserLimits& limits) {
  const RequestHead& head = outcome.head;
  FUZZ_CHECK(outcome.consumed <= input.size() && outcome.consumed <= limits.headerBytes);
  FUZZ_CHECK(head.fields.size() <= limits.headerCount);
  FUZZ_CHECK(!head.method.empty() && !head.target.empty() && input.holds(head.target) && input.holds(head.query) && input.holds(head.host));
  FUZZ_CHECK(head.path == "/" || input.holds(head.path));
  FUZZ_CHECK(!head.path.empty() && (head.path[0] == '/' || head.path == "*"));
  FUZZ_CHECK(head.versionMinor <= 1 && !(head.chunked && head.contentLength >= 0));
  FUZZ_CHECK(head.versionMinor == 0 || !head.host.empty());
  for (const HeaderField& field : head.fields) {
    FUZZ_CHECK(input.holds(field.name) && input.holds(field.value) && !field.name.empty());
    FUZZ_CHECK(field.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
  }
}

void checkPieces(const char* text, size_t size, size_t step, const ParserLimits& limits, const Outcome& whole) {
  size_t scanned = 0;
  for (size_t length = step; length < size + step; length += step) {
    const ExactCopy piece(text, length < size ? length : size);
    Outcome part;
    part.status = parseRequestHead(piece.data(), piece.size(), limits, &scanned, &part.head, &part.consumed, &part.error);
    if (part.status == ParseStatus::kIncomplete) continue;
    // What is refused early may be refused for what comes first; but it is refused either way.
    FUZZ_CHECK(part.status == whole.status);
    if (part.status == ParseStatus::kDone) {
      FUZZ_CHECK(part.consumed == whole.consumed && part.head.fields.size() == whole.head.fields.size());
      FUZZ_CHECK(part.head.contentLength == whole.head.contentLength && part.head.keepAlive == whole.head.keepAlive);
    }
    return;
  }
  FUZZ_CHECK(whole.status != ParseStatus::kDone);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const char* text = reinterpret_cast<const char*>(data);
  ParserLimits small;
  small.requestLineBytes = 64;
  small.headerBytes = 256;
  small.headerCount = 4;
  for (const ParserLimits& limits : {ParserLimits(), small}) {
    const ExactCopy input(text, size);
    Outcome whole;
    parse(input, limits, &whole);
    if (whole.status == ParseStatus::kDone) checkViews(input, whole, limits);
    if (whole.status == ParseStatus::kError) FUZZ_CHECK(whole.error.status >= 400 && whole.error.reason[0] != '\0');
    checkPieces(text, size, 1 + size / 7, limits, whole);
    if (size <= 128) checkPieces(text, size, 1, limits, whole);
  }
  return 0;
}
