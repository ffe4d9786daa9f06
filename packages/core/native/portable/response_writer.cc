#include "portable/response_writer.h"

#include <cstring>

#include "common/status_codes.h"

namespace httpsys {

namespace {

constexpr std::string_view kOkLine = "HTTP/1.1 200 OK\r\n";

size_t writeDecimal(char* at, uint64_t value) {
  char digits[20];
  size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  for (size_t i = 0; i < count; ++i) at[i] = digits[count - 1 - i];
  return count;
}

}  // namespace

void appendStatusLine(ByteBuffer* out, uint16_t status, std::string_view reason) {
  if (status == 200 && (reason.empty() || reason == "OK")) {
    out->append(kOkLine);
    return;
  }
  if (reason.empty()) reason = reasonPhrase(status);
  if (reason.empty()) reason = "unknown";
  out->append("HTTP/1.1 ");
  char digits[20];
  out->append(digits, writeDecimal(digits, status));
  out->append(" ");
  out->append(reason);
  out->append("\r\n");
}

void appendContentLength(ByteBuffer* out, uint64_t length) {
  constexpr std::string_view kName = "Content-Length: ";
  char* at = out->reserve(kName.size() + 22);
  std::memcpy(at, kName.data(), kName.size());
  size_t count = kName.size() + writeDecimal(at + kName.size(), length);
  at[count++] = '\r';
  at[count++] = '\n';
  out->commit(count);
}

void appendResponseHead(ByteBuffer* out, const ResponseHead& head, const ResponseHeadScan& scan) {
  appendStatusLine(out, head.status, head.reason);
  if (scan.hasTransferEncoding) {
    out->append(head.fields.substr(0, scan.transferEncodingAt));
    out->append(head.fields.substr(scan.transferEncodingAt + scan.transferEncodingLength));
  } else {
    out->append(head.fields);
  }
  out->append(head.date);
  out->append(head.connection);
  if (head.contentLength >= 0) appendContentLength(out, static_cast<uint64_t>(head.contentLength));
  if (head.chunked) out->append("Transfer-Encoding: chunked\r\n");
  out->append("\r\n");
}

void appendChunkSize(ByteBuffer* out, size_t size) {
  char text[18];
  size_t at = sizeof text;
  text[--at] = '\n';
  text[--at] = '\r';
  do {
    text[--at] = "0123456789abcdef"[size & 15];
    size >>= 4;
  } while (size != 0);
  out->append(text + at, sizeof text - at);
}

void appendLastChunk(ByteBuffer* out, std::string_view trailers) {
  out->append("0\r\n");
  out->append(trailers);
  out->append("\r\n");
}

}  // namespace httpsys
