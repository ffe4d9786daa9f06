// The header block of a response, as it comes from an application: one pass that checks every line and notes what the engine acts on.
#include "byte_scan.h"
#include "field_line.h"
#include "http_parser.h"

namespace httpsys {

namespace {

// False: the block must not be sent.
bool noteField(const HeaderField& field, size_t at, size_t length, ResponseHeadScan* out) {
  switch (field.knownId) {
    case names::kDate:
      out->hasDate = true;
      return true;
    case names::kServer:
      out->hasServer = true;
      return true;
    case names::kConnection:
      out->hasConnection = true;
      forEachListItem(field.value, [&](std::string_view item) {
        if (names::equalsLower(item, "close")) out->connectionClose = true;
      });
      return true;
    case names::kKeepAlive:
      out->hasKeepAlive = true;
      return true;
    case names::kTransferEncoding:
      if (!out->hasTransferEncoding) {
        out->hasTransferEncoding = true;
        out->transferEncodingAt = at;
        out->transferEncodingLength = length;
        return true;
      }
      // Lines that follow each other are dropped as one; the engine cuts a single place out of the block.
      if (at != out->transferEncodingAt + out->transferEncodingLength) return false;
      out->transferEncodingLength += length;
      return true;
    case names::kContentLength:
      if (out->contentLength >= 0) return false;
      out->contentLength = parseDecimal(field.value);
      out->contentLengthAt = at;
      out->contentLengthLength = length;
      return out->contentLength >= 0;
    case names::kEtag:
      if (out->etag.empty()) out->etag = field.value;
      return true;
    case names::kLastModified:
      if (out->lastModified.empty()) out->lastModified = field.value;
      return true;
    case names::kContentType:
      if (!out->hasContentType) out->contentType = field.value;
      out->hasContentType = true;
      return true;
    default:
      return true;
  }
}

}  // namespace

void scanResponseHead(std::string_view block, ResponseHeadScan* out) {
  *out = ResponseHeadScan();
  const char* const begin = block.data();
  const char* const end = begin + block.size();
  const char* cursor = begin;
  while (cursor != end) {
    const char* const line = cursor;
    HeaderField field;
    // An empty line inside the block would end the head early and let the application's data become the body: response splitting.
    if (readFieldLine(&cursor, end, &field) != FieldLineStatus::kField) return;
    if (!noteField(field, static_cast<size_t>(line - begin), static_cast<size_t>(cursor - line), out)) return;
  }
  out->valid = true;
}

}  // namespace httpsys
