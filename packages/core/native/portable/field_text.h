// Small readings of field values that the conditional and range answers share.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "portable/fold_case.h"

namespace httpsys {

inline std::string_view trimSpace(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

inline bool equalsIgnoreCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); i++) {
    if (foldAscii(static_cast<unsigned char>(a[i])) != foldAscii(static_cast<unsigned char>(b[i]))) return false;
  }
  return true;
}

// Length of the quoted part of an entity tag at the start of `text` (RFC 9110 section 8.8.3), quotes included; 0 when there is none.
inline size_t opaqueTagLength(std::string_view text) {
  if (text.empty() || text[0] != '"') return 0;
  for (size_t i = 1; i < text.size(); i++) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    if (c == '"') return i + 1;
    if (c < 0x21 || c == 0x7F) return 0;
  }
  return 0;
}

inline bool isStrongEntityTag(std::string_view text) { return !text.empty() && opaqueTagLength(text) == text.size(); }

// Appends the field lines of `head` whose lower-case names are not listed; the status line is left out.
inline void appendFieldsExcept(std::string_view head, std::initializer_list<std::string_view> names, std::string* out) {
  size_t at = head.find("\r\n");
  while (at != std::string_view::npos && at + 2 < head.size()) {
    const size_t start = at + 2;
    at = head.find("\r\n", start);
    const std::string_view line = head.substr(start, at == std::string_view::npos ? at : at - start);
    const std::string_view name = line.substr(0, line.find(':'));
    bool listed = false;
    for (const std::string_view other : names) listed = listed || equalsIgnoreCase(name, other);
    if (!listed && !line.empty()) out->append(line).append("\r\n");
  }
}

}  // namespace httpsys
