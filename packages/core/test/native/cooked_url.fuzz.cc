// cookPath, splitHost and foldCase: what they accept is canonical, and stays inside the input or its own buffer.
#include "portable/cooked_url.h"

#include <string>
#include <string_view>

#include "fuzz.h"
#include "portable/fold_case.h"
#include "portable/host_name.h"
#include "portable/utf8.h"

using namespace httpsys;

namespace {

void checkCooked(std::string_view path) {
  FUZZ_CHECK(path == "*" || (!path.empty() && path.front() == '/'));
  FUZZ_CHECK(path.find("//") == std::string_view::npos && path.find('\\') == std::string_view::npos);
  size_t segments = 0;
  for (size_t at = 0; at < path.size();) {
    uint32_t c = 0;
    const size_t length = decodeUtf8(path, at, &c);
    FUZZ_CHECK(length != 0 && c >= 0x20 && (c < 0x7F || c > 0x9F));
    if (c == '/') {
      segments++;
      const std::string_view rest = path.substr(at + 1);
      const std::string_view segment = rest.substr(0, rest.find('/'));
      FUZZ_CHECK(segment != "." && segment != "..");
    }
    at += length;
  }
  FUZZ_CHECK(segments <= CookedPathLimits().segmentCount);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ExactCopy copy(reinterpret_cast<const char*>(data), size);
  const std::string_view text(copy.data(), copy.size());
  std::string scratch;
  std::string_view out;
  bool ambiguous = false;
  if (cookPath(text, CookedPathLimits(), &scratch, &out, &ambiguous)) {
    checkCooked(out);
    FUZZ_CHECK(copy.holds(out) || out.data() == scratch.data() || out == "/");
    // What needed no decoding is a fixed point; only decoded text may hold characters that a raw path may not.
    std::string again;
    std::string_view second;
    if (!ambiguous && out == text) FUZZ_CHECK(cookPath(out, CookedPathLimits(), &again, &second) && second == out);
  }
  std::string_view name;
  uint16_t port = 0;
  if (splitHost(text, &name, &port)) {
    FUZZ_CHECK(name.size() <= 255 && copy.holds(name) && name.find_first_of("*+/@?# []") == std::string_view::npos);
    toAsciiHost(name);
  }
  std::string folded;
  foldCase(text, &folded);
  FUZZ_CHECK(folded.size() == text.size() && equalsFolded(folded, text));
  std::string twice;
  foldCase(folded, &twice);
  FUZZ_CHECK(twice == folded);
  AddressKey key;
  parseAddress(text, &key);
  return 0;
}
