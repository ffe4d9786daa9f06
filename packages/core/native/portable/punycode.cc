// Punycode (RFC 3492), encoding only: prefixes hold Unicode names (URL-4), Host fields arrive in ASCII.
#include <vector>

#include "portable/host_name.h"
#include "portable/utf8.h"

namespace httpsys {
namespace {

constexpr uint32_t kBase = 36, kTMin = 1, kTMax = 26, kSkew = 38, kDamp = 700, kInitialBias = 72, kInitialCode = 128;
constexpr size_t kLabelCharsMax = 63;  // RFC 1035 section 2.3.4; also keeps the arithmetic far from overflow

uint32_t adapt(uint32_t delta, uint32_t points, bool first) {
  delta = first ? delta / kDamp : delta / 2;
  delta += delta / points;
  uint32_t k = 0;
  for (; delta > (kBase - kTMin) * kTMax / 2; k += kBase) delta /= kBase - kTMin;
  return k + (kBase - kTMin + 1) * delta / (delta + kSkew);
}

char digit(uint32_t d) { return static_cast<char>(d < 26 ? 'a' + d : '0' + (d - 26)); }

bool encodeLabel(const std::vector<uint32_t>& label, std::string* out) {
  if (label.size() > kLabelCharsMax) return false;
  out->append("xn--");
  uint32_t handled = 0;
  for (const uint32_t c : label) {
    if (c < kInitialCode) out->push_back(static_cast<char>(c)), handled++;
  }
  const uint32_t basic = handled;
  if (basic > 0) out->push_back('-');
  uint32_t code = kInitialCode, delta = 0, bias = kInitialBias;
  while (handled < label.size()) {
    uint32_t next = 0x110000;
    for (const uint32_t c : label) {
      if (c >= code && c < next) next = c;
    }
    delta += (next - code) * (handled + 1);
    code = next;
    for (const uint32_t c : label) {
      if (c < code) delta++;
      if (c != code) continue;
      uint32_t rest = delta;
      for (uint32_t k = kBase;; k += kBase) {
        const uint32_t threshold = k <= bias ? kTMin : k >= bias + kTMax ? kTMax : k - bias;
        if (rest < threshold) break;
        out->push_back(digit(threshold + (rest - threshold) % (kBase - threshold)));
        rest = (rest - threshold) / (kBase - threshold);
      }
      out->push_back(digit(rest));
      bias = adapt(delta, handled + 1, handled == basic);
      delta = 0;
      handled++;
    }
    delta++;
    code++;
  }
  return true;
}

}  // namespace

std::string toAsciiHost(std::string_view name) {
  std::string out;
  std::vector<uint32_t> label;
  bool wide = false;
  bool changed = false;
  for (size_t i = 0; i <= name.size();) {
    if (i == name.size() || name[i] == '.') {
      if (wide) {
        if (!encodeLabel(label, &out)) return std::string();
        changed = true;
      } else {
        for (const uint32_t c : label) out.push_back(static_cast<char>(c));
      }
      if (i < name.size()) out.push_back('.');
      label.clear();
      wide = false;
      i++;
      continue;
    }
    uint32_t c = 0;
    const size_t length = decodeUtf8(name, i, &c);
    if (length == 0) return std::string();
    if (c >= 0x80) wide = true;
    label.push_back(c);
    i += length;
  }
  return changed ? out : std::string();
}

}  // namespace httpsys
