// A block that passes must be lines and nothing else, and the places it reports must be whole lines.
#include "common/http_parser.h"
#include "fuzz.h"

using namespace httpsys;

namespace {

void checkLine(std::string_view block, size_t at, size_t length) {
  FUZZ_CHECK(length > 2 && at + length <= block.size());
  FUZZ_CHECK(at == 0 || block[at - 1] == '\n');
  FUZZ_CHECK(block.substr(at + length - 2, 2) == "\r\n");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ExactCopy copy(reinterpret_cast<const char*>(data), size);
  const std::string_view block(copy.data(), copy.size());
  ResponseHeadScan scan;
  scanResponseHead(block, &scan);
  if (!scan.valid) return 0;
  FUZZ_CHECK(block.find(std::string_view("\r\n\r\n")) == std::string_view::npos);
  FUZZ_CHECK(block.empty() || block.substr(block.size() - 2) == "\r\n");
  for (size_t i = 0; i < block.size(); ++i) {
    if (block[i] == '\n') FUZZ_CHECK(i > 0 && block[i - 1] == '\r');
    if (block[i] == '\r') FUZZ_CHECK(i + 1 < block.size() && block[i + 1] == '\n');
    FUZZ_CHECK(block[i] != '\0');
  }
  if (scan.hasTransferEncoding) checkLine(block, scan.transferEncodingAt, scan.transferEncodingLength);
  if (scan.contentLength >= 0) checkLine(block, scan.contentLengthAt, scan.contentLengthLength);
  FUZZ_CHECK(copy.holds(scan.etag) && copy.holds(scan.lastModified) && copy.holds(scan.contentType));
  return 0;
}
