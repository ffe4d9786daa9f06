// Small functions of one text, one target for all of them: the first byte of the input chooses. A new function is one more entry.
#include <string_view>

#include "common/field_line.h"
#include "common/header_names.h"
#include "common/http_date.h"
#include "common/http_methods.h"
#include "common/response_frame.h"
#include "fuzz.h"

using namespace httpsys;

namespace {

void httpDate(std::string_view text) {
  int64_t seconds = 0;
  if (!parseHttpDate(text, 1750000000, &seconds) || seconds < 0 || seconds > kHttpDateSecondsMax) return;
  char again[kHttpDateBytes];
  formatHttpDate(seconds, again);
  int64_t second = -1;
  FUZZ_CHECK(parseHttpDate(std::string_view(again, kHttpDateBytes), 1750000000, &second) && second == seconds);
}

void headerName(std::string_view text) {
  const names::Match match = names::lookup(text);
  FUZZ_CHECK(match.id <= names::kCount);
  if (match.id != names::kOther) FUZZ_CHECK(names::equalsLower(text, names::kLower[match.id]));
}

void method(std::string_view text) {
  const uint8_t code = methods::lookup(text);
  FUZZ_CHECK(code == methods::kOther || methods::kNames[code] == text);
}

void listItems(std::string_view text) {
  size_t count = 0;
  forEachListItem(text, [&](std::string_view item) {
    ++count;
    FUZZ_CHECK(!item.empty() && !bytes::isBlank(item.front()) && !bytes::isBlank(item.back()) && item.find(',') == std::string_view::npos);
  });
  FUZZ_CHECK(count <= text.size());
}

void decimal(std::string_view text) {
  const int64_t value = parseDecimal(text);
  FUZZ_CHECK(value >= -1 && value <= 999999999999999999);
}

void responseBlocks(std::string_view policy) {
  ResponseBlocks blocks;
  if (!readResponseBlocks(policy, &blocks)) return;
  FUZZ_CHECK(blocks.file.path.empty() || blocks.fragment.empty());
  FUZZ_CHECK(blocks.fragment.size() <= frames::kFragmentNameBytesMax);
  if (blocks.file.path.empty()) return;
  FUZZ_CHECK(blocks.file.path.size() <= frames::kFilePathBytesMax && blocks.file.path.find('\0') == std::string_view::npos);
  FUZZ_CHECK(blocks.file.length > 0 && blocks.file.offset + blocks.file.length <= uint64_t{INT64_MAX});
}

void fragment(std::string_view body) {
  FragmentParts parts;
  if (!splitFragment(reinterpret_cast<const uint8_t*>(body.data()), body.size(), &parts)) return;
  FUZZ_CHECK(!parts.name.empty() && parts.name.size() <= frames::kFragmentNameBytesMax && !parts.data.empty());
  FUZZ_CHECK(parts.policy.size() + parts.name.size() + parts.data.size() == body.size());
}

using Function = void (*)(std::string_view);
constexpr Function kFunctions[] = {httpDate, headerName, method, listItems, decimal, responseBlocks, fragment};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ExactCopy copy(reinterpret_cast<const char*>(data) + 1, size - 1);
  // Digits choose in the corpus, so that its files can be read.
  kFunctions[static_cast<uint8_t>(data[0] - 48) % (sizeof(kFunctions) / sizeof(kFunctions[0]))](std::string_view(copy.data(), copy.size()));
  return 0;
}
