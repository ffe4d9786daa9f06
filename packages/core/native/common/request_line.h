// The request line (RFC 9112 section 3); used by request_head.cc alone.
#pragma once

#include <string_view>

#include "header_names.h"
#include "http_parser.h"

namespace httpsys {

inline ParseStatus fail(ParseError* error, const ParseError& what) {
  *error = what;
  return ParseStatus::kError;
}

inline bool startsWithLower(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() && names::equalsLower(text.substr(0, lower.size()), lower);
}

// Fills method, target, path, query, version and, for an absolute-form target, host. On kDone *cursor is behind the line.
ParseStatus parseRequestLine(const char** cursor, const char* end, RequestHead* head, bool* absolute, ParseError* error);

}  // namespace httpsys
