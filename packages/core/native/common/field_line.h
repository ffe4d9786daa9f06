// One field line of a message ("Name: value" CRLF), as request heads and trailer sections hold them (RFC 9112 section 5).
#pragma once

#include <string_view>

#include "byte_scan.h"
#include "header_names.h"
#include "http_parser.h"

namespace httpsys {

// A value has a 16-bit length in frames; HTTP.SYS' MaxFieldLength has the same ceiling.
inline constexpr size_t kFieldBytesMax = 65534;

enum class FieldLineStatus {
  kField,       // *field is filled, *cursor is behind the line
  kEndOfHead,   // an empty line, *cursor is behind it
  kIncomplete,  // the line does not end before `end`
  kBadName,     // no name, no colon right behind it, or a continuation line (obs-fold)
  kBadValue,    // NUL or another control character
  kBadLineEnd,  // LF without CR
  kNoLineFeed,  // CR without LF
  kTooLong,
};

inline FieldLineStatus readFieldLine(const char** cursor, const char* end, HeaderField* field) {
  const char* const line = *cursor;
  if (line == end) return FieldLineStatus::kIncomplete;
  if (*line == '\r') {
    if (end - line < 2) return FieldLineStatus::kIncomplete;
    if (line[1] != '\n') return FieldLineStatus::kNoLineFeed;
    *cursor = line + 2;
    return FieldLineStatus::kEndOfHead;
  }
  if (*line == '\n') return FieldLineStatus::kBadLineEnd;

  // A name that is in the table needs no check of its characters.
  names::Match match;
  const char* colon = bytes::nearColon(line, end);
  if (colon != nullptr) match = names::lookup(std::string_view(line, static_cast<size_t>(colon - line)));
  if (match.id == names::kOther) {
    const char* stop = bytes::skip(line, end, bytes::kToken);
    if (stop == end) return FieldLineStatus::kIncomplete;
    if (*stop != ':' || stop == line) return FieldLineStatus::kBadName;
    if (colon == nullptr) match = names::lookup(std::string_view(line, static_cast<size_t>(stop - line)));
    colon = stop;
  }

  const char* value = colon + 1;
  while (value != end && bytes::isBlank(*value)) ++value;
  const char* const stop = bytes::skipFieldValue(value, end);
  if (stop == end) return FieldLineStatus::kIncomplete;
  if (*stop == '\n') return FieldLineStatus::kBadLineEnd;
  if (*stop != '\r') return FieldLineStatus::kBadValue;
  if (end - stop < 2) return FieldLineStatus::kIncomplete;
  if (stop[1] != '\n') return FieldLineStatus::kNoLineFeed;
  const char* last = stop;
  while (last > value && bytes::isBlank(last[-1])) --last;
  if (static_cast<size_t>(stop - line) > kFieldBytesMax) return FieldLineStatus::kTooLong;

  field->name = std::string_view(line, static_cast<size_t>(colon - line));
  field->value = std::string_view(value, static_cast<size_t>(last - value));
  field->nameId = match.frameId();
  field->knownId = match.id;
  *cursor = stop + 2;
  return FieldLineStatus::kField;
}

// Calls `each` with every non-empty element of a comma-separated list (RFC 9110 section 5.6.1), without its white space.
template <typename Each>
inline void forEachListItem(std::string_view list, Each each) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    std::string_view item = list.substr(0, comma);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    while (!item.empty() && bytes::isBlank(item.front())) item.remove_prefix(1);
    while (!item.empty() && bytes::isBlank(item.back())) item.remove_suffix(1);
    if (!item.empty()) each(item);
  }
}

// Digits only, at most 18 of them so that the sum fits; -1 when it is anything else.
inline int64_t parseDecimal(std::string_view text) {
  if (text.empty() || text.size() > 18) return -1;
  int64_t value = 0;
  for (char c : text) {
    if (!bytes::is(c, bytes::kDigit)) return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace httpsys
