#include "request_line.h"

#include <algorithm>
#include <cstring>

#include "byte_scan.h"
#include "http_errors.h"
#include "http_methods.h"

namespace httpsys {

namespace {

constexpr std::string_view kRootPath("/", 1);

inline std::string_view view(const char* from, const char* to) { return std::string_view(from, static_cast<size_t>(to - from)); }

// The rest of the request line behind the target: version and line end. Returns kDone with *cursor behind the line.
ParseStatus parseVersion(const char** cursor, const char* end, RequestHead* head, ParseError* error) {
  const char* p = *cursor;
  if (end - p >= 10 && std::memcmp(p, "HTTP/1.", 7) == 0 && (p[7] == '1' || p[7] == '0') && p[8] == '\r' && p[9] == '\n') {
    head->versionMinor = static_cast<uint8_t>(p[7] - '0');
    *cursor = p + 10;
    return ParseStatus::kDone;
  }
  // Byte by byte, so that what is wrong already is refused without waiting for the rest. 'd' stands for a digit.
  static constexpr char kPattern[] = "HTTP/d.d\r\n";
  for (size_t i = 0; i < 10; ++i) {
    if (p + i == end) return ParseStatus::kIncomplete;
    const bool matches = kPattern[i] == 'd' ? bytes::is(p[i], bytes::kDigit) : p[i] == kPattern[i];
    if (!matches) return fail(error, i >= 8 ? errors::kInvalidLineEnd : errors::kBadRequest);
  }
  return fail(error, errors::kUnknownVersion);
}

// Splits the target into host, path and query (RFC 9112 section 3.2). `queryAt` is the first '?' of the target, or its end.
bool parseTarget(const char* queryAt, RequestHead* head, bool* absolute, ParseError* error) {
  const char* const begin = head->target.data();
  const char* const end = begin + head->target.size();
  if (head->methodCode == methods::kConnect) {
    // RFC 9112 section 3.2.3: host and port, and nothing else. The port is not optional.
    const size_t colon = head->target.rfind(':');
    const bool named = colon != std::string_view::npos && colon > 0 && bytes::all(begin, begin + colon, bytes::kHost);
    if (!named || end - begin - colon - 1 < 1 || end - begin - colon - 1 > 5 || !bytes::all(begin + colon + 1, end, bytes::kDigit)) {
      *error = errors::kInvalidUrl;
      return false;
    }
    head->path = kRootPath;
    return true;
  }
  if (*begin == '/') {
    head->path = view(begin, queryAt);
    head->query = view(queryAt, end);
    return true;
  }
  if (head->target == "*" && head->methodCode == methods::kOptions) {
    head->path = head->target;
    return true;
  }
  size_t scheme = 0;
  if (startsWithLower(head->target, "http://")) scheme = 7;
  if (startsWithLower(head->target, "https://")) scheme = 8;
  if (scheme == 0 || queryAt < begin + scheme) {
    *error = errors::kInvalidUrl;
    return false;
  }
  const char* const authority = begin + scheme;
  const char* const slash = std::find(authority, queryAt, '/');
  head->host = view(authority, slash);
  // User information does not pass: '@' is no host character (RFC 9110 section 4.2.4).
  if (head->host.empty() || !bytes::all(authority, slash, bytes::kHost)) {
    *error = errors::kInvalidHost;
    return false;
  }
  if (slash == queryAt && std::find(queryAt, end, '/') != end) {
    *error = errors::kInvalidUrl;  // PARSE-4: no path, and a slash in the query
    return false;
  }
  head->path = slash == queryAt ? kRootPath : view(slash, queryAt);
  head->query = view(queryAt, end);
  *absolute = true;
  return true;
}

}  // namespace

ParseStatus parseRequestLine(const char** cursor, const char* end, RequestHead* head, bool* absolute, ParseError* error) {
  const char* const line = *cursor;
  const char* p;
  if (end - line >= 4 && std::memcmp(line, "GET ", 4) == 0) {
    p = line + 3;
    head->methodCode = methods::kGet;
    head->method = methods::kNames[methods::kGet];
  } else {
    p = bytes::skip(line, end, bytes::kMethod);
    if (static_cast<size_t>(p - line) > methods::kMethodBytesMax) return fail(error, errors::kInvalidVerb);
    if (p != line && !bytes::is(*line, bytes::kUpper)) return fail(error, errors::kInvalidVerb);
    if (p == end) return ParseStatus::kIncomplete;
    if (*p != ' ' || p == line) return fail(error, errors::kInvalidVerb);
    head->method = view(line, p);
    head->methodCode = methods::lookup(head->method);
  }

  const char* const target = p + 1;
  const char* stop = bytes::skipTarget(target, end);
  const char* queryAt = stop;
  while (stop != end && *stop == '?') stop = bytes::skipTarget(stop + 1, end);
  if (stop == end) return ParseStatus::kIncomplete;
  if (*stop == '\r' || *stop == '\n') return fail(error, errors::kBadRequest);  // HTTP/0.9 has no version
  if (*stop != ' ' || stop == target) return fail(error, errors::kInvalidTarget);
  head->target = view(target, stop);

  *cursor = stop + 1;
  const ParseStatus status = parseVersion(cursor, end, head, error);
  if (status != ParseStatus::kDone) return status;
  return parseTarget(queryAt, head, absolute, error) ? ParseStatus::kDone : ParseStatus::kError;
}

}  // namespace httpsys
