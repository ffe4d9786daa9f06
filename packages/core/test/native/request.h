// What tests of the request head share: parse a text, and say what came of it in one word.
#pragma once

#include <string>

#include "common/http_parser.h"

struct Parsed {
  std::string text;  // owns what `head` points into
  httpsys::ParseStatus status = httpsys::ParseStatus::kIncomplete;
  httpsys::RequestHead head;
  httpsys::ParseError error;
  size_t consumed = 0;
  size_t scanned = 0;

  explicit Parsed(std::string input, const httpsys::ParserLimits& limits = httpsys::ParserLimits()) : text(std::move(input)) {
    status = httpsys::parseRequestHead(text.data(), text.size(), limits, &scanned, &head, &consumed, &error);
  }
  Parsed(const Parsed&) = delete;
  Parsed& operator=(const Parsed&) = delete;

  // "done", "incomplete", or status and reason: "400 Verb".
  std::string outcome() const {
    if (status == httpsys::ParseStatus::kDone) return "done";
    if (status == httpsys::ParseStatus::kIncomplete) return "incomplete";
    return std::to_string(error.status) + " " + error.reason;
  }
};

inline std::string outcomeOf(std::string text, const httpsys::ParserLimits& limits = httpsys::ParserLimits()) {
  return Parsed(std::move(text), limits).outcome();
}

// A GET with a Host field and these field lines.
inline std::string withFields(const std::string& lines) { return "GET / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n"; }

// A request line alone, with a Host field behind it.
inline std::string withLine(const std::string& line) { return line + "\r\nHost: a\r\nContent-Length: 0\r\n\r\n"; }
