#include "check.h"
#include "common/http_parser.h"

using namespace httpsys;

namespace {

ResponseHeadScan scan(std::string_view block) {
  ResponseHeadScan result;
  scanResponseHead(block, &result);
  return result;
}

}  // namespace

TEST("a response block is classified in one pass") {
  const std::string_view block =
      "Content-Type: text/html\r\nETag: W/\"1\"\r\nlast-modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nDate: x\r\nServer: y\r\nX-Empty:\r\n";
  const ResponseHeadScan result = scan(block);
  CHECK(result.valid);
  CHECK(result.hasDate && result.hasServer && result.hasContentType);
  CHECK_EQ(result.contentType, "text/html");
  CHECK_EQ(result.etag, "W/\"1\"");
  CHECK_EQ(result.lastModified, "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK_EQ(result.contentLength, -1);
  CHECK(!result.hasConnection && !result.connectionClose && !result.hasKeepAlive && !result.hasTransferEncoding);
}

TEST("an empty block is valid") { CHECK(scan("").valid); }

TEST("the places of Content-Length and Transfer-Encoding are those of their lines") {
  const std::string_view block = "A: b\r\nContent-Length: 12\r\nTransfer-Encoding: chunked\r\nC: d\r\n";
  const ResponseHeadScan result = scan(block);
  CHECK(result.valid);
  CHECK_EQ(result.contentLength, 12);
  CHECK_EQ(block.substr(result.contentLengthAt, result.contentLengthLength), "Content-Length: 12\r\n");
  CHECK_EQ(block.substr(result.transferEncodingAt, result.transferEncodingLength), "Transfer-Encoding: chunked\r\n");
}

TEST("neighbouring Transfer-Encoding lines are one place, others are refused") {
  const std::string_view block = "Transfer-Encoding: gzip\r\ntransfer-encoding: chunked\r\nC: d\r\n";
  const ResponseHeadScan result = scan(block);
  CHECK(result.valid);
  CHECK_EQ(block.substr(result.transferEncodingAt + result.transferEncodingLength), "C: d\r\n");
  CHECK(!scan("Transfer-Encoding: gzip\r\nC: d\r\nTransfer-Encoding: chunked\r\n").valid);
}

TEST("Connection options are read from every line") {
  CHECK(scan("Connection: keep-alive\r\n").hasConnection);
  CHECK(!scan("Connection: keep-alive\r\n").connectionClose);
  CHECK(scan("connection: Upgrade\r\nConnection: x, CLOSE\r\n").connectionClose);
  CHECK(scan("Keep-Alive: timeout=1\r\n").hasKeepAlive);
}

TEST("a block that would split the response or break its framing is not valid") {
  for (const char* block : {"\r\n", "A: b\r\n\r\n", "A: b\r\n\r\nC: d\r\n", "A: b", "A: b\r", "A: b\n", "A b\r\n", "A : b\r\n", ": b\r\n", " A: b\r\n", "A: b\r\n c\r\n",
                            "A: b\rc\r\n", "A: b\nc\r\n", "A: \x01\r\n", "A: \x7f\r\n", "Content-Length: 1\r\nContent-Length: 1\r\n", "Content-Length: x\r\n",
                            "Content-Length:\r\n", "Content-Length: -1\r\n", "Content-Length: 1, 1\r\n"}) {
    CHECK(!scan(block).valid);
  }
  CHECK(!scan(std::string_view("A: b\0c\r\n", 8)).valid);
  CHECK(scan("A: \x80\xff\tb\r\n").valid);
}
