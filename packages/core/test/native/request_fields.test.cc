#include "check.h"
#include "common/header_names.h"
#include "request.h"

using namespace httpsys;

TEST("fields keep order and spelling, and known names have their ids") {
  Parsed request("GET / HTTP/1.1\r\nHost: a\r\naccept: */*\r\nUSER-AGENT: x\r\nX-Own:\t v \t\r\nEmpty:\r\n\r\n");
  CHECK_EQ(request.outcome(), "done");
  CHECK_EQ(request.head.fields.size(), 5u);
  const auto& fields = request.head.fields;
  CHECK_EQ(int(fields[0].nameId), int(names::kHost));
  CHECK_EQ(int(fields[1].nameId), names::kAccept | 0x80);
  CHECK_EQ(int(fields[1].knownId), int(names::kAccept));
  CHECK_EQ(int(fields[2].nameId), 0);
  CHECK_EQ(int(fields[2].knownId), int(names::kUserAgent));
  CHECK_EQ(fields[2].name, "USER-AGENT");
  CHECK_EQ(int(fields[3].knownId), 0);
  CHECK_EQ(fields[3].name, "X-Own");
  CHECK_EQ(fields[3].value, "v");
  CHECK_EQ(fields[4].value, "");
}

TEST("a field line without a proper name is 400 Invalid Header") {
  for (const char* line : {"Host : b", " Host: b", "\tX: b", ": b", "X", "X b", "X\xe4: b", "X(: b", "X\x01: b", "X y: b", "Accept\t: b", "sec\rfetch-site: x"}) {
    CHECK_EQ(outcomeOf(withFields(std::string(line) + "\r\n")), "400 Header");
  }
  CHECK_EQ(outcomeOf(withFields("X: a\r\n folded\r\n")), "400 Header");
  CHECK_EQ(outcomeOf(withFields("X: a\r\n\tfolded\r\n")), "400 Header");
  CHECK_EQ(outcomeOf("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), "400 Header");
}

TEST("control characters in a value are refused at every offset, tabs and bytes from 0x80 are not") {
  for (size_t n = 0; n < 40; ++n) {
    const std::string before(n, 'v');
    for (const std::string& bad : {std::string(1, '\0'), std::string("\x01"), std::string("\x1f"), std::string("\x7f"), std::string("\x0b")}) {
      CHECK_EQ(outcomeOf(withFields("X: " + before + bad + "tail of a value\r\n")), "400 Header");
    }
    CHECK_EQ(outcomeOf(withFields("X: " + before + "\rtail\r\n")), "400 Invalid_CR/LF");
    CHECK_EQ(outcomeOf(withFields("X: " + before + "\ntail\r\n")), "400 Invalid_CR/LF");
    const std::string good = before + "v\t\x80\xff;~";
    Parsed request(withFields("X: " + good + "\r\n"));
    CHECK_EQ(request.outcome(), "done");
    CHECK_EQ(request.head.fields[1].value, good);
  }
}

TEST("the head ends with an empty line of CR LF") {
  CHECK_EQ(outcomeOf("GET / HTTP/1.1\r\nHost: a\r\n\n"), "400 Invalid_CR/LF");
  CHECK_EQ(outcomeOf("GET / HTTP/1.1\r\nHost: a\r\n\rX"), "400 Invalid_CR/LF");
  CHECK_EQ(outcomeOf("GET / HTTP/1.1\r\nHost: a\n\r\n"), "400 Invalid_CR/LF");
}

TEST("every prefix of a head is incomplete, and bytes behind it are left alone") {
  const std::string text = "POST /p?q HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nX-Long-Name-Of-A-Field: value\r\n\r\n";
  for (size_t n = 0; n < text.size(); ++n) CHECK_EQ(outcomeOf(text.substr(0, n)), "incomplete");
  Parsed request(text + "abcGET /");
  CHECK_EQ(request.outcome(), "done");
  CHECK_EQ(request.consumed, text.size());
}

TEST("a head that comes byte by byte is parsed as one that comes whole") {
  const std::string text = "\r\n" + withFields("A: b\r\n");
  RequestHead head;
  ParseError error;
  size_t scanned = 0, consumed = 0;
  for (size_t n = 1; n < text.size(); ++n) {
    CHECK_EQ(parseRequestHead(text.data(), n, ParserLimits(), &scanned, &head, &consumed, &error), ParseStatus::kIncomplete);
  }
  CHECK_EQ(parseRequestHead(text.data(), text.size(), ParserLimits(), &scanned, &head, &consumed, &error), ParseStatus::kDone);
  CHECK_EQ(consumed, text.size());
  CHECK_EQ(scanned, 0u);
}

TEST("bare LF line ends are noticed at once, also when the head comes in pieces") {
  const std::string text = "GET / HTTP/1.1\nHost: a\n\n";
  RequestHead head;
  ParseError error;
  size_t scanned = 0, consumed = 0;
  CHECK_EQ(parseRequestHead(text.data(), 10, ParserLimits(), &scanned, &head, &consumed, &error), ParseStatus::kIncomplete);
  CHECK_EQ(parseRequestHead(text.data(), 16, ParserLimits(), &scanned, &head, &consumed, &error), ParseStatus::kError);
}

TEST("ROUTE-9: HTTP/1.1 has exactly one Host field, HTTP/1.0 at most one") {
  CHECK_EQ(outcomeOf("GET / HTTP/1.1\r\n\r\n"), "400 Hostname");
  CHECK_EQ(outcomeOf("GET / HTTP/1.1\r\nHost:\r\n\r\n"), "400 Hostname");
  CHECK_EQ(outcomeOf("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"), "400 Hostname");
  CHECK_EQ(outcomeOf("GET / HTTP/1.0\r\n\r\n"), "done");
  CHECK_EQ(outcomeOf("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"), "400 Hostname");
  CHECK_EQ(outcomeOf("GET http://a/ HTTP/1.1\r\n\r\n"), "400 Hostname");
  for (const char* host : {"a b", "a/b", "a,b@c", "a\\b", "<a>", "\xc3\xa4", "a\tb", "a?b", "a#b", "\"a\""}) {
    CHECK_EQ(outcomeOf(std::string("GET / HTTP/1.1\r\nHost: ") + host + "\r\n\r\n"), "400 Hostname");
  }
  for (const char* host : {"a", "a:80", "[::1]:80", "1.2.3.4", "a_b.c-d~e", "%61"}) {
    Parsed request(std::string("GET / HTTP/1.1\r\nHost: ") + host + "\r\n\r\n");
    CHECK_EQ(request.outcome(), "done");
    CHECK_EQ(request.head.host, host);
  }
}

TEST("a malformed, repeated or unrepresentable Content-Length is 400") {
  for (const char* value : {"", "+1", "-1", "0x1", "1 2", "1,1", "1.0", "a", "1234567890123456789", "1_0", "\xd9\xa1"}) {
    CHECK_EQ(outcomeOf(withFields(std::string("Content-Length: ") + value + "\r\n")), "400 Number");
  }
  CHECK_EQ(outcomeOf(withFields("Content-Length: 1\r\nContent-Length: 1\r\n")), "400 Number");
  CHECK_EQ(outcomeOf(withFields("Content-Length: 1\r\ncontent-length: 2\r\n")), "400 Number");
  Parsed zeros(withFields("Content-Length: 0005\r\n"));
  CHECK_EQ(zeros.head.contentLength, 5);
  Parsed large(withFields("Content-Length: 999999999999999999\r\n"));
  CHECK_EQ(large.head.contentLength, 999999999999999999);
}

TEST("Transfer-Encoding is chunked, once, on HTTP/1.1, without Content-Length") {
  Parsed request(withFields("Transfer-Encoding: Chunked\r\n"));
  CHECK_EQ(request.outcome(), "done");
  CHECK(request.head.chunked);
  CHECK_EQ(outcomeOf(withFields("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n")), "400 BadRequest");
  CHECK_EQ(outcomeOf(withFields("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n")), "400 BadRequest");
  CHECK_EQ(outcomeOf("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), "400 BadRequest");
  CHECK_EQ(outcomeOf(withFields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")), "400 BadRequest");
  for (const char* value : {"", ",", "chunked, chunked", "chunked,"}) {
    CHECK_EQ(outcomeOf(withFields(std::string("Transfer-Encoding: ") + value + "\r\n")), "400 BadRequest");
  }
  for (const char* value : {"gzip", "gzip, chunked", "chunked, gzip", "identity", "xchunked", "chunked;q=1", "\"chunked\""}) {
    CHECK_EQ(outcomeOf(withFields(std::string("Transfer-Encoding: ") + value + "\r\n")), "501 N/I");
  }
}

TEST("PARSE-9: POST and PUT need a length") {
  CHECK_EQ(outcomeOf("POST / HTTP/1.1\r\nHost: a\r\n\r\n"), "411 LengthRequired");
  CHECK_EQ(outcomeOf("PUT / HTTP/1.0\r\n\r\n"), "411 LengthRequired");
  CHECK_EQ(outcomeOf("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), "done");
  CHECK_EQ(outcomeOf("PATCH / HTTP/1.1\r\nHost: a\r\n\r\n"), "done");
  CHECK_EQ(outcomeOf("DELETE / HTTP/1.1\r\nHost: a\r\n\r\n"), "done");
}

TEST("PARSE-9 waived: POST and PUT without a length have no body") {
  ParserLimits limits;
  limits.requireLength = false;
  for (const char* head : {"POST / HTTP/1.1\r\nHost: a\r\n\r\n", "PUT / HTTP/1.0\r\n\r\n"}) {
    Parsed request(head, limits);
    CHECK_EQ(request.outcome(), "done");
    CHECK(!request.head.chunked);
    CHECK_EQ(request.head.contentLength, -1);
  }
}

TEST("ROUTE-9 waived: one Host is needed, and may be empty") {
  ParserLimits limits;
  limits.emptyHost = true;
  CHECK_EQ(outcomeOf("GET / HTTP/1.1\r\nHost:\r\n\r\n", limits), "done");
  CHECK_EQ(outcomeOf("GET / HTTP/1.1\r\n\r\n", limits), "400 Hostname");
  CHECK_EQ(outcomeOf("GET / HTTP/1.1\r\nHost:\r\nHost:\r\n\r\n", limits), "400 Hostname");
  CHECK_EQ(outcomeOf("GET / HTTP/1.1\r\nHost:\r\n\r\n"), "400 Hostname");
}

TEST("persistence follows version and the Connection options") {
  struct Case {
    const char* version;
    const char* lines;
    bool keepAlive;
  };
  for (const Case& c : {Case{"1.1", "", true}, Case{"1.1", "Connection: Close\r\n", false}, Case{"1.1", "Connection: x, close ,y\r\n", false},
                        Case{"1.1", "Connection: closed\r\n", true}, Case{"1.0", "", false}, Case{"1.0", "Connection: Keep-Alive\r\n", true},
                        Case{"1.0", "Connection: keep-alive, close\r\n", false}, Case{"1.1", "Connection: a\r\nConnection: close\r\n", false}}) {
    Parsed request(std::string("GET / HTTP/") + c.version + "\r\nHost: a\r\n" + c.lines + "\r\n");
    CHECK_EQ(request.outcome(), "done");
    CHECK_EQ(request.head.keepAlive, c.keepAlive);
  }
}

TEST("an upgrade needs both fields and HTTP/1.1") {
  CHECK(Parsed(withFields("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n")).head.upgrade);
  CHECK(!Parsed(withFields("Connection: Upgrade\r\n")).head.upgrade);
  CHECK(!Parsed(withFields("Upgrade: websocket\r\n")).head.upgrade);
  CHECK(!Parsed("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n").head.upgrade);
}

TEST("CACHE-6 to CACHE-9: what the cache asks of a request is noted") {
  Parsed request(withFields("Authorization: x\r\nTranslate: F\r\nExpect: 200-ok\r\nRange: bytes=0-1\r\nIf-Range: \"a\"\r\nIf-None-Match: \"b\"\r\n"
                            "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
  CHECK_EQ(request.outcome(), "done");
  CHECK(request.head.hasAuthorization && request.head.hasTranslate && request.head.hasExpectOther && !request.head.expectContinue);
  CHECK_EQ(request.head.range, "bytes=0-1");
  CHECK_EQ(request.head.ifRange, "\"a\"");
  CHECK_EQ(request.head.ifNoneMatch, "\"b\"");
  CHECK_EQ(request.head.ifModifiedSince, "Sun, 06 Nov 1994 08:49:37 GMT");
  Parsed other(withFields("Translate: t\r\nExpect: 100-Continue\r\n"));
  CHECK(!other.head.hasAuthorization && !other.head.hasTranslate && !other.head.hasExpectOther && other.head.expectContinue);
  CHECK(!Parsed("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").head.expectContinue);
}

TEST("nothing of an earlier request is left in a head that is used again") {
  Parsed request(withFields("Authorization: x\r\nContent-Length: 4\r\nConnection: close\r\nRange: bytes=0-1\r\n"));
  const std::string next = "GET /n HTTP/1.1\r\nHost: b\r\n\r\n";
  size_t scanned = 0, consumed = 0;
  CHECK_EQ(parseRequestHead(next.data(), next.size(), ParserLimits(), &scanned, &request.head, &consumed, &request.error), ParseStatus::kDone);
  CHECK(!request.head.hasAuthorization && request.head.keepAlive && request.head.range.empty());
  CHECK_EQ(request.head.contentLength, -1);
  CHECK_EQ(request.head.fields.size(), 1u);
}

TEST("a head beyond the limit of bytes or fields is 431, also when its end has not come") {
  ParserLimits limits;
  limits.headerBytes = 200;
  limits.headerCount = 5;
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";  // 28 bytes
  CHECK_EQ(outcomeOf(start + std::string(168, 'v') + "\r\n\r\n", limits), "done");
  CHECK_EQ(outcomeOf(start + std::string(169, 'v') + "\r\n\r\n", limits), "431 RequestLength");
  CHECK_EQ(outcomeOf(start + std::string(171, 'v'), limits), "incomplete");
  CHECK_EQ(outcomeOf(start + std::string(172, 'v'), limits), "431 RequestLength");
  CHECK_EQ(outcomeOf(withFields("A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\n"), limits), "done");
  CHECK_EQ(outcomeOf(withFields("A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\nE: 1\r\n"), limits), "431 FieldCount");
  ParserLimits wide;
  wide.headerBytes = 1 << 20;
  CHECK_EQ(outcomeOf(withFields("X: " + std::string(65531, 'v') + "\r\n"), wide), "done");
  CHECK_EQ(outcomeOf(withFields("X: " + std::string(65532, 'v') + "\r\n"), wide), "431 FieldLength");
}
