// If-None-Match, If-Modified-Since, and what a request gets from an entry.
#include "portable/conditional.h"

#include <string>

#include "check.h"
#include "portable/cached_answer.h"

using namespace httpsys;

namespace {

constexpr int64_t kNow = 1700000000;
constexpr const char* kDate = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr const char* kLater = "Sun, 06 Nov 1994 08:49:38 GMT";
constexpr const char* kEarlier = "Sun, 06 Nov 1994 08:49:36 GMT";

bool matches(std::string_view list, std::string_view etag) { return isNotModified(list, "", etag, "", kNow); }

CachedResponse makeEntry() {
  CachedResponse entry;
  entry.head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nETag: \"v1\"\r\n";
  entry.head += std::string("Last-Modified: ") + kDate + "\r\nX-App: 1\r\nVary: Accept\r\n";
  entry.body = "0123456789";
  entry.plain = entry.head + "Content-Length: 10\r\n";
  entry.etag = "\"v1\"";
  entry.lastModified = kDate;
  entry.contentType = "text/plain";
  return entry;
}

bool has(std::string_view text, std::string_view piece) { return text.find(piece) != std::string_view::npos; }

}  // namespace

TEST("If-None-Match compares weakly, with each member of the list (RFC 9110 section 13.1.2)") {
  for (const char* list : {"\"a\"", "W/\"a\"", "*", " * ", "\"x\", \"a\"", "\"x\",W/\"a\"", ",, \"a\"", "\"x,y\", \"a\"",
      "\"\",\"a\""}) CHECK(matches(list, "\"a\""));
  CHECK(matches("\"a\"", "W/\"a\""));
  CHECK(matches("*", ""));
  for (const char* list : {"\"b\"", "a", "\"A\"", "\"a", "w/\"a\"", "\"x\" \"a\"", "x,\"a\"", "\"x\"*", ",", "W/", "\"x, \"a\"",
      "*,\"b\""}) CHECK(!matches(list, "\"a\""));
  CHECK(!matches("\"a\"", ""));
  CHECK(!matches("\"\"", ""));
}

TEST("If-Modified-Since counts only without If-None-Match, and only when both dates are valid (RFC 9110 section 13.1.3)") {
  CHECK(isNotModified("", kDate, "", kDate, kNow));
  CHECK(isNotModified("", kLater, "", kDate, kNow));
  CHECK(!isNotModified("", kEarlier, "", kDate, kNow));
  CHECK(!isNotModified("\"b\"", kLater, "\"a\"", kDate, kNow));
  CHECK(!isNotModified("broken", kLater, "\"a\"", kDate, kNow));
  CHECK(!isNotModified("", "yesterday", "", kDate, kNow));
  CHECK(!isNotModified("", kLater, "", "yesterday", kNow));
  CHECK(!isNotModified("", kLater, "", "", kNow));
  CHECK(!isNotModified("", "", "\"a\"", kDate, kNow));
}

TEST("a plain request gets the stored head and body as they are") {
  const CachedResponse entry = makeEntry();
  CachedAnswer answer;
  answerFromEntry(entry, CacheRequestFields(), &answer);
  CHECK_EQ(answer.status, 200);
  CHECK(answer.head.data() == entry.plain.data());
  CHECK(answer.body.data() == entry.body.data());
}

TEST("CACHE-27: a 304 keeps the validators and the application's fields and drops those of the body") {
  const CachedResponse entry = makeEntry();
  CachedAnswer answer;
  CacheRequestFields request;
  request.ifNoneMatch = "W/\"v1\"";
  request.range = "bytes=0-1";
  answerFromEntry(entry, request, &answer);
  CHECK_EQ(answer.status, 304);
  CHECK(answer.body.empty());
  CHECK_EQ(std::string(answer.head),
      std::string("HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\nLast-Modified: ") + kDate + "\r\nX-App: 1\r\nVary: Accept\r\n");
  std::string fields;
  appendNotModifiedFields(
      "HTTP/1.1 200 OK\r\nCONTENT-ENCODING: gzip\r\nContent-Location: /a\r\ncontent-language: de\r\n"
      "Transfer-Encoding: x\r\nExpires: 0\r\n",
      &fields);
  CHECK_EQ(fields, std::string("Content-Location: /a\r\nExpires: 0\r\n"));
}

TEST("CACHE-26: a range of an entry is a 206 that keeps the stored fields") {
  const CachedResponse entry = makeEntry();
  CacheRequestFields request;
  request.range = "bytes=2-4";
  CachedAnswer single;
  answerFromEntry(entry, request, &single);
  CHECK_EQ(single.status, 206);
  CHECK_EQ(std::string(single.body), std::string("234"));
  CHECK(has(single.head, "HTTP/1.1 206 Partial Content\r\nContent-Type: text/plain\r\n"));
  CHECK(has(single.head, "X-App: 1\r\n"));
  CHECK(has(single.head, "Content-Range: bytes 2-4/10\r\nContent-Length: 3\r\n"));
  request.range = "bytes=0-0,9-9";
  CachedAnswer several;
  answerFromEntry(entry, request, &several);
  CHECK_EQ(several.status, 206);
  CHECK(has(several.head, "Content-Type: multipart/byteranges; boundary="));
  CHECK(!has(several.head, "Content-Type: text/plain"));
  CHECK(has(several.body, "Content-Range: bytes 9-9/10\r\n\r\n9\r\n"));
  CHECK(has(several.head, "Content-Length: " + std::to_string(several.body.size()) + "\r\n"));
  request.range = "bytes=10-";
  CachedAnswer beyond;
  answerFromEntry(entry, request, &beyond);
  CHECK_EQ(beyond.status, 416);
  CHECK_EQ(std::string(beyond.head),
      std::string("HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */10\r\nContent-Length: 0\r\n"));
  CHECK(beyond.body.empty());
}

TEST("If-Range that does not hold gives the whole, and only a 200 is answered in part or with 304") {
  CachedResponse entry = makeEntry();
  CacheRequestFields request;
  request.range = "bytes=2-4";
  request.ifRange = "\"v0\"";
  CachedAnswer whole;
  answerFromEntry(entry, request, &whole);
  CHECK_EQ(whole.status, 200);
  CHECK_EQ(whole.body.size(), size_t{10});
  request.ifRange = kDate;
  CachedAnswer dated;
  answerFromEntry(entry, request, &dated);
  CHECK_EQ(dated.status, 206);
  entry.status = 404;
  request.ifNoneMatch = "*";
  CachedAnswer missing;
  answerFromEntry(entry, request, &missing);
  CHECK_EQ(missing.status, 404);
  CHECK(missing.head.data() == entry.plain.data());
}
