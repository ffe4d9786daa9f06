// The bytes of a response: status line, fields, framing (SEND-2 to SEND-9, RFC 9112 sections 6 and 7).
#pragma once

#include <cstdint>
#include <string_view>

#include "common/byte_buffer.h"
#include "common/http_parser.h"

namespace httpsys {

// What a response head is made of; empty parts are left out. Lines end with CRLF.
struct ResponseHead {
  uint16_t status = 200;
  std::string_view reason;  // empty: the standard phrase
  std::string_view fields;  // the application's block
  std::string_view date;
  std::string_view connection;
  int64_t contentLength = -1;  // added when not negative
  bool chunked = false;
};

void appendStatusLine(ByteBuffer* out, uint16_t status, std::string_view reason);
// `scan` belongs to `head.fields`: the Transfer-Encoding line it names is left out, because the engine frames.
void appendResponseHead(ByteBuffer* out, const ResponseHead& head, const ResponseHeadScan& scan);
void appendContentLength(ByteBuffer* out, uint64_t length);

// The line in front of a chunk's data; CRLF follows the data.
void appendChunkSize(ByteBuffer* out, size_t size);
// The last chunk with its trailers ("Name: value\r\n" each).
void appendLastChunk(ByteBuffer* out, std::string_view trailers);

}  // namespace httpsys
