#include "portable/cooked_url.h"

#include <array>

#include "portable/utf8.h"

namespace httpsys {
namespace {

enum CharClass : uint8_t { kPlain = 0, kSlash, kDot, kSlow, kBad };

constexpr std::array<uint8_t, 256> makeClasses() {
  std::array<uint8_t, 256> table{};
  for (size_t i = 0; i < 256; i++) table[i] = i <= 0x20 || i == 0x7F ? kBad : i >= 0x80 ? kSlow : kPlain;
  table['/'] = kSlash;
  table['.'] = kDot;
  table['%'] = kSlow;
  table['\\'] = kSlow;
  return table;
}
constexpr std::array<uint8_t, 256> kClasses = makeClasses();

int hexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Characters that a path may hold unescaped (RFC 3986 section 3.3).
bool isPathChar(unsigned char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return c != 0 && std::string_view("-._~!$&'()*+,;=:@").find(static_cast<char>(c)) != std::string_view::npos;
}

// What HTTP.SYS refuses unless AllowRestrictedChars is set.
bool isRestricted(uint32_t c) { return c < 0x20 || (c >= 0x7F && c <= 0x9F); }

// windows-1252 where it differs from Latin-1; 0 = the code page has no character there.
constexpr uint16_t kAnsi[32] = {0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
                                0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
                                0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

class Decoder {
 public:
  Decoder(std::string_view path, std::string* out) : path_(path), out_(out) {}

  // Reads escapes as bytes of UTF-8, or with `ansi` as windows-1252. False: malformed escape or a restricted character.
  bool decode(bool ansi) {
    ansi_ = ansi;
    out_->clear();
    out_->reserve(path_.size() + 8);
    for (size_t i = 0; i < path_.size();) {
      const unsigned char c = static_cast<unsigned char>(path_[i]);
      if (c == '%') {
        if (!escape(&i)) return false;
      } else {
        if (c <= 0x20 || c == 0x7F) return false;
        if (!appendByte(c)) return false;
        i++;
      }
    }
    return true;
  }
  bool unusual() const { return unusual_; }

 private:
  bool escape(size_t* at) {
    const size_t i = *at;
    if (i + 2 >= path_.size()) return false;
    if (path_[i + 1] == 'u' || path_[i + 1] == 'U') return wideEscape(at);
    const int high = hexValue(path_[i + 1]);
    const int low = hexValue(path_[i + 2]);
    if (high < 0 || low < 0) return false;
    const unsigned char byte = static_cast<unsigned char>(high * 16 + low);
    if (byte < 0x20 || byte == 0x7F) return false;
    if (isPathChar(byte)) unusual_ = true;
    *at = i + 3;
    return appendByte(byte);
  }

  bool unit(size_t i, uint32_t* value) const {
    if (i + 6 > path_.size() || path_[i] != '%' || (path_[i + 1] != 'u' && path_[i + 1] != 'U')) return false;
    *value = 0;
    for (size_t k = 2; k < 6; k++) {
      const int digit = hexValue(path_[i + k]);
      if (digit < 0) return false;
      *value = *value * 16 + static_cast<uint32_t>(digit);
    }
    return true;
  }

  // %uNNNN is a UTF-16 unit: half of a pair alone is malformed.
  bool wideEscape(size_t* at) {
    uint32_t c = 0;
    if (!unit(*at, &c)) return false;
    *at += 6;
    if (c >= 0xD800 && c <= 0xDFFF) {
      uint32_t low = 0;
      if (c >= 0xDC00 || !unit(*at, &low) || low < 0xDC00 || low > 0xDFFF) return false;
      c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
      *at += 6;
    }
    if (isRestricted(c)) return false;
    unusual_ = true;
    appendUtf8(out_, c);
    return true;
  }

  bool appendByte(unsigned char c) {
    if (!ansi_ || c < 0x80) {
      out_->push_back(static_cast<char>(c));
      return true;
    }
    const uint32_t wide = c < 0xA0 ? kAnsi[c - 0x80] : c;
    if (wide == 0) return false;
    appendUtf8(out_, wide);
    return true;
  }

  std::string_view path_;
  std::string* out_;
  bool ansi_ = false;
  bool unusual_ = false;
};

enum class TextCheck { kGood, kNotUtf8, kRestricted };

TextCheck checkUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    uint32_t c = 0;
    const size_t length = decodeUtf8(text, i, &c);
    if (length == 0) return TextCheck::kNotUtf8;
    if (isRestricted(c)) return TextCheck::kRestricted;
    i += length;
  }
  return TextCheck::kGood;
}

// Slashes and dot segments, in place. True when anything changed.
bool removeSegments(std::string* text) {
  const size_t before = text->size();
  bool changed = false;
  for (char& c : *text) {
    if (c == '\\') c = '/', changed = true;
  }
  size_t to = 0;
  for (size_t i = 0; i < text->size(); i++) {
    if ((*text)[i] == '/' && to > 0 && (*text)[to - 1] == '/') continue;
    (*text)[to++] = (*text)[i];
  }
  text->resize(to);
  // One pass with a write end that steps back over the last segment for ".."; it never leaves the root.
  size_t end = 1;
  size_t at = 1;
  while (at < text->size()) {
    size_t stop = text->find('/', at);
    const bool last = stop == std::string::npos;
    if (last) stop = text->size();
    const std::string_view segment(text->data() + at, stop - at);
    if (segment == "..") {
      if (end > 1) {
        end--;
        while ((*text)[end - 1] != '/') end--;
      }
    } else if (segment != ".") {
      for (size_t i = at; i < stop; i++) (*text)[end++] = (*text)[i];
      if (!last) (*text)[end++] = '/';
    }
    at = stop + 1;
  }
  text->resize(end);
  return changed || end != before;
}

bool withinLimits(std::string_view path, const CookedPathLimits& limits) {
  uint32_t count = 0;
  uint32_t length = 0;
  for (const char ch : path) {
    const unsigned char c = static_cast<unsigned char>(ch);
    if (c == '/') {
      if (++count > limits.segmentCount) return false;
      length = 0;
      continue;
    }
    if ((c & 0xC0) != 0x80) length += c >= 0xF0 ? 2 : 1;
    if (limits.segmentLength != 0 && length > limits.segmentLength) return false;
  }
  return true;
}

bool cookSlow(std::string_view path, const CookedPathLimits& limits, std::string* scratch, std::string_view* out, bool* ambiguous) {
  Decoder decoder(path, scratch);
  if (!decoder.decode(false)) return false;
  bool unusual = decoder.unusual();
  const TextCheck check = checkUtf8(*scratch);
  if (check == TextCheck::kRestricted) return false;
  if (check == TextCheck::kNotUtf8) {
    if (!decoder.decode(true) || checkUtf8(*scratch) != TextCheck::kGood) return false;
    unusual = true;
  }
  // An escaped slash shows in the count of slashes, everything else in the text itself.
  size_t slashes = 0;
  for (const char c : path) slashes += c == '/';
  size_t decoded = 0;
  for (const char c : *scratch) decoded += c == '/';
  if (slashes != decoded) unusual = true;
  if (removeSegments(scratch)) unusual = true;
  if (!withinLimits(*scratch, limits)) return false;
  *out = *scratch;
  if (ambiguous) *ambiguous = unusual;
  return true;
}

}  // namespace

bool cookPath(std::string_view path, const CookedPathLimits& limits, std::string* scratch, std::string_view* out, bool* ambiguous) {
  if (ambiguous) *ambiguous = false;
  if (path.empty()) {
    *out = "/";
    return true;
  }
  if (path[0] != '/') {
    *out = path;
    return path == "*";
  }
  uint32_t count = 0;
  size_t segment = 0;  // where the current segment begins
  const size_t limit = limits.segmentLength == 0 ? path.size() : limits.segmentLength;
  for (size_t i = 0; i < path.size(); i++) {
    const uint8_t kind = kClasses[static_cast<unsigned char>(path[i])];
    if (kind == kPlain) continue;
    switch (kind) {
      case kSlash:
        if (i != 0 && (i == segment || i - segment > limit)) {
          // An overlong segment may still vanish before a "..", so the slow path decides.
          return cookSlow(path, limits, scratch, out, ambiguous);
        }
        if (++count > limits.segmentCount) return cookSlow(path, limits, scratch, out, ambiguous);
        segment = i + 1;
        break;
      case kDot:
        // A segment that begins with a dot may be a dot segment.
        if (i == segment) return cookSlow(path, limits, scratch, out, ambiguous);
        break;
      case kSlow:
        return cookSlow(path, limits, scratch, out, ambiguous);
      default:
        return false;
    }
  }
  if (path.size() - segment > limit) return false;
  *out = path;
  return true;
}

}  // namespace httpsys
