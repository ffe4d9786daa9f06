// The request head: request line (RFC 9112 section 3), fields (section 5) and what they say about the message (section 6).
#include <algorithm>
#include <cstring>

#include "byte_scan.h"
#include "field_line.h"
#include "header_names.h"
#include "http_errors.h"
#include "http_methods.h"
#include "http_parser.h"

namespace httpsys {

void RequestHead::clear() {
  std::vector<HeaderField> kept = std::move(fields);
  kept.clear();
  *this = RequestHead();
  fields = std::move(kept);
}

namespace {

// Empty lines tolerated before a request line (RFC 9112 section 2.2): some clients send one behind a body.
constexpr size_t kLeadingEmptyLinesMax = 8;

constexpr std::string_view kRootPath("/", 1);

ParseStatus fail(ParseError* error, const ParseError& what) {
  *error = what;
  return ParseStatus::kError;
}

inline std::string_view view(const char* from, const char* to) { return std::string_view(from, static_cast<size_t>(to - from)); }

bool startsWithLower(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() && names::equalsLower(text.substr(0, lower.size()), lower);
}

// Everything one pass over a head collects that RequestHead does not keep.
struct HeadFacts {
  bool absolute = false;
  uint8_t hostFields = 0;
  bool transferEncoding = false;
  bool connectionClose = false;
  bool connectionKeepAlive = false;
  bool connectionUpgrade = false;
  bool upgradeField = false;
  std::string_view hostField;
};

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
bool parseTarget(const char* queryAt, RequestHead* head, HeadFacts* facts, ParseError* error) {
  const char* const begin = head->target.data();
  const char* const end = begin + head->target.size();
  if (head->methodCode == methods::kConnect) {
    *error = errors::kInvalidUrl;  // no tunnels: the authority form names nothing that a prefix could match
    return false;
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
  facts->absolute = true;
  return true;
}

ParseStatus parseRequestLine(const char** cursor, const char* end, RequestHead* head, HeadFacts* facts, ParseError* error) {
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
  if (*stop != ' ' || stop == target) return fail(error, errors::kInvalidUrl);
  head->target = view(target, stop);

  *cursor = stop + 1;
  const ParseStatus status = parseVersion(cursor, end, head, error);
  if (status != ParseStatus::kDone) return status;
  return parseTarget(queryAt, head, facts, error) ? ParseStatus::kDone : ParseStatus::kError;
}

bool applyTransferEncoding(std::string_view value, RequestHead* head, HeadFacts* facts, ParseError* error) {
  if (facts->transferEncoding) {
    *error = errors::kBadRequest;  // "chunked, chunked" in two lines
    return false;
  }
  facts->transferEncoding = true;
  if (names::equalsLower(value, "chunked")) {
    head->chunked = true;
    return true;
  }
  size_t chunkedItems = 0, otherItems = 0;
  forEachListItem(value, [&](std::string_view item) { ++(names::equalsLower(item, "chunked") ? chunkedItems : otherItems); });
  // A list with nothing in it or with chunked twice is malformed; any other coding is one that this server does not know.
  *error = otherItems == 0 ? errors::kBadRequest : errors::kUnknownTransferEncoding;
  return false;
}

void applyConnection(std::string_view value, HeadFacts* facts) {
  forEachListItem(value, [&](std::string_view item) {
    if (names::equalsLower(item, "close")) facts->connectionClose = true;
    else if (names::equalsLower(item, "keep-alive")) facts->connectionKeepAlive = true;
    else if (names::equalsLower(item, "upgrade")) facts->connectionUpgrade = true;
  });
}

// Takes note of what a known field says. False: *error is set.
bool applyField(const HeaderField& field, RequestHead* head, HeadFacts* facts, ParseError* error) {
  const std::string_view value = field.value;
  switch (field.knownId) {
    case names::kHost:
      if (++facts->hostFields > 1 || !bytes::all(value.data(), value.data() + value.size(), bytes::kHost)) {
        *error = errors::kInvalidHost;
        return false;
      }
      facts->hostField = value;
      return true;
    case names::kContentLength:
      if (head->contentLength >= 0 || (head->contentLength = parseDecimal(value)) < 0) {
        *error = errors::kInvalidNumber;
        return false;
      }
      return true;
    case names::kTransferEncoding:
      return applyTransferEncoding(value, head, facts, error);
    case names::kConnection:
      applyConnection(value, facts);
      return true;
    case names::kExpect:
      if (names::equalsLower(value, "100-continue")) head->expectContinue = true;
      else head->hasExpectOther = true;
      return true;
    case names::kUpgrade:
      facts->upgradeField = true;
      return true;
    case names::kAuthorization:
      head->hasAuthorization = true;
      return true;
    case names::kTranslate:
      head->hasTranslate = head->hasTranslate || startsWithLower(value, "f");
      return true;
    case names::kRange:
      head->range = value;
      return true;
    case names::kIfRange:
      head->ifRange = value;
      return true;
    case names::kIfNoneMatch:
      head->ifNoneMatch = value;
      return true;
    case names::kIfModifiedSince:
      head->ifModifiedSince = value;
      return true;
    default:
      return true;
  }
}

// What can be said once all fields are known: host, framing, persistence (RFC 9112 sections 3.2, 6.3, 9.3).
bool concludeHead(RequestHead* head, const HeadFacts& facts, ParseError* error) {
  const bool http11 = head->versionMinor == 1;
  if (http11 && facts.hostFields == 0) {
    *error = errors::kInvalidHost;
    return false;
  }
  if (!facts.absolute) {
    if (http11 && facts.hostField.empty()) {
      *error = errors::kInvalidHost;
      return false;
    }
    head->host = facts.hostField;
  }
  if (facts.transferEncoding && (head->contentLength >= 0 || !http11)) {
    *error = errors::kBadRequest;  // the two ways of request smuggling (RFC 9112 sections 6.1, 11.2)
    return false;
  }
  const bool needsLength = head->methodCode == methods::kPost || head->methodCode == methods::kPut;
  if (needsLength && head->contentLength < 0 && !head->chunked) {
    *error = errors::kLengthRequired;  // PARSE-9
    return false;
  }
  head->keepAlive = !facts.connectionClose && (http11 || facts.connectionKeepAlive);
  head->upgrade = http11 && facts.connectionUpgrade && facts.upgradeField;
  if (!http11) head->expectContinue = false;  // RFC 9110 section 10.1.1
  return true;
}

ParseStatus parseFields(const char** cursor, const char* end, const char* headEnd, const ParserLimits& limits, RequestHead* head,
                        HeadFacts* facts, ParseError* error) {
  for (;;) {
    HeaderField field;
    switch (readFieldLine(cursor, end, &field)) {
      case FieldLineStatus::kEndOfHead:
        return *cursor > headEnd ? fail(error, errors::kHeadTooLong) : ParseStatus::kDone;
      case FieldLineStatus::kField:
        break;
      case FieldLineStatus::kIncomplete:
        return ParseStatus::kIncomplete;
      case FieldLineStatus::kBadName:
      case FieldLineStatus::kBadValue:
        return fail(error, errors::kInvalidHeader);
      case FieldLineStatus::kBadLineEnd:
        return fail(error, errors::kInvalidLineEnd);
      case FieldLineStatus::kTooLong:
        return fail(error, errors::kFieldTooLong);
    }
    if (*cursor > headEnd) return fail(error, errors::kHeadTooLong);
    if (head->fields.size() >= limits.headerCount) return fail(error, errors::kTooManyFields);
    head->fields.push_back(field);
    if (field.knownId != names::kOther && !applyField(field, head, facts, error)) return ParseStatus::kError;
  }
}

// Whether bytes that came since the last call can end the head or break it: only then is it worth parsing again from its start.
bool worthParsing(const char* start, const char* from, const char* end) {
  if (from < start) from = start;
  while (from < end) {
    const char* lf = static_cast<const char*>(std::memchr(from, '\n', static_cast<size_t>(end - from)));
    if (lf == nullptr) return false;
    if (lf == start || lf[-1] != '\r') return true;
    if (lf - start >= 3 && lf[-2] == '\n') return true;
    from = lf + 1;
  }
  return false;
}

}  // namespace

ParseStatus parseRequestHead(const char* data, size_t len, const ParserLimits& limits, size_t* scanned, RequestHead* head,
                             size_t* consumed, ParseError* error) {
  const char* const end = data + len;
  const char* start = data;
  for (size_t lines = 0; end - start >= 2 && start[0] == '\r' && start[1] == '\n'; start += 2) {
    if (++lines > kLeadingEmptyLinesMax) return fail(error, errors::kBadRequest);
  }
  if (start == end) {
    *scanned = len;
    return ParseStatus::kIncomplete;
  }
  if (*start == '\r') {
    if (end - start == 1) return ParseStatus::kIncomplete;
    return fail(error, errors::kInvalidLineEnd);
  }

  const bool full = len >= limits.headerBytes || static_cast<size_t>(end - start) >= limits.requestLineBytes;
  if (*scanned > 0 && !full && !worthParsing(start, data + std::min(*scanned, len), end)) {
    *scanned = len;
    return ParseStatus::kIncomplete;
  }

  head->clear();
  HeadFacts facts;
  const char* cursor = start;
  const char* const lineLimit = end - start > static_cast<ptrdiff_t>(limits.requestLineBytes) ? start + limits.requestLineBytes : end;
  ParseStatus status = parseRequestLine(&cursor, lineLimit, head, &facts, error);
  if (status == ParseStatus::kIncomplete && static_cast<size_t>(end - start) >= limits.requestLineBytes) {
    return fail(error, errors::kUrlTooLong);
  }
  if (status == ParseStatus::kDone) {
    const char* const headEnd = len > limits.headerBytes ? data + limits.headerBytes : end;
    status = parseFields(&cursor, end, headEnd, limits, head, &facts, error);
    if (status == ParseStatus::kIncomplete && len >= limits.headerBytes) return fail(error, errors::kHeadTooLong);
  }
  if (status == ParseStatus::kIncomplete) *scanned = len;
  if (status != ParseStatus::kDone) return status;
  if (!concludeHead(head, facts, error)) return ParseStatus::kError;
  *consumed = static_cast<size_t>(cursor - data);
  *scanned = 0;
  return ParseStatus::kDone;
}

}  // namespace httpsys
