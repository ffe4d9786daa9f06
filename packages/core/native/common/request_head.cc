// The request head: its fields (RFC 9112 section 5) and what they say about the message (section 6).
#include <algorithm>
#include <cstring>

#include "byte_scan.h"
#include "field_line.h"
#include "header_names.h"
#include "http_errors.h"
#include "http_methods.h"
#include "http_parser.h"
#include "request_line.h"

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

// Everything one pass over a head collects that RequestHead does not keep.
struct HeadFacts {
  bool absoluteTarget = false;
  uint8_t hostFields = 0;
  bool transferEncoding = false;
  bool connectionClose = false;
  bool connectionKeepAlive = false;
  bool connectionUpgrade = false;
  bool upgradeField = false;
  std::string_view hostField;
};

bool applyTransferEncoding(std::string_view value, RequestHead* head, HeadFacts* facts, ParseError* error) {
  if (facts->transferEncoding) {
    *error = errors::kInvalidFraming;  // "chunked, chunked" in two lines
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
  *error = otherItems == 0 ? errors::kInvalidFraming : errors::kUnknownTransferEncoding;
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
        *error = head->contentLength >= 0 ? errors::kRepeatedLength : errors::kInvalidNumber;
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
    case names::kIfMatch:
    case names::kIfUnmodifiedSince:
      head->hasPrecondition = true;
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
bool concludeHead(RequestHead* head, const HeadFacts& facts, const ParserLimits& limits, ParseError* error) {
  const bool http11 = head->versionMinor == 1;
  if (facts.transferEncoding && (head->contentLength >= 0 || !http11)) {
    *error = errors::kInvalidFraming;  // the two ways of request smuggling (RFC 9112 sections 6.1, 11.2)
    return false;
  }
  if (http11 && limits.requireHost && facts.hostFields == 0) {
    *error = errors::kInvalidHost;
    return false;
  }
  if (!facts.absoluteTarget) {
    if (http11 && limits.requireHost && !limits.emptyHost && facts.hostField.empty()) {
      *error = errors::kInvalidHost;
      return false;
    }
    head->host = facts.hostField;
  }
  const bool needsLength = limits.requireLength && (head->methodCode == methods::kPost || head->methodCode == methods::kPut);
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
      case FieldLineStatus::kNoLineFeed:
        return fail(error, errors::kMissingLineFeed);
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
  ParseStatus status = parseRequestLine(&cursor, lineLimit, head, &facts.absoluteTarget, error);
  if (status == ParseStatus::kIncomplete && static_cast<size_t>(end - start) >= limits.requestLineBytes) {
    return fail(error, errors::kUrlTooLong);
  }
  if (status == ParseStatus::kDone) {
    const char* const headEnd = len > limits.headerBytes ? data + limits.headerBytes : end;
    status = parseFields(&cursor, end, headEnd, limits, head, &facts, error);
    if (status == ParseStatus::kIncomplete && len >= limits.headerBytes) return fail(error, errors::kHeadTooLong);
  }
  if (status == ParseStatus::kIncomplete) *scanned = len;
  if (status == ParseStatus::kError) *consumed = static_cast<size_t>(cursor - data);
  if (status != ParseStatus::kDone) return status;
  *consumed = static_cast<size_t>(cursor - data);
  if (!concludeHead(head, facts, limits, error)) return ParseStatus::kError;
  head->bytes = *consumed;
  *scanned = 0;
  return ParseStatus::kDone;
}

}  // namespace httpsys
