#include "check.h"
#include "common/http_methods.h"
#include "request.h"

using namespace httpsys;

TEST("a request line is split into method, target, path, query and version") {
  Parsed request(withLine("GET /a/b%20c?x=1&y=/z? HTTP/1.1"));
  CHECK_EQ(request.outcome(), "done");
  CHECK_EQ(request.head.method, "GET");
  CHECK_EQ(int(request.head.methodCode), int(methods::kGet));
  CHECK_EQ(request.head.target, "/a/b%20c?x=1&y=/z?");
  CHECK_EQ(request.head.path, "/a/b%20c");
  CHECK_EQ(request.head.query, "?x=1&y=/z?");
  CHECK_EQ(int(request.head.versionMinor), 1);
  CHECK_EQ(request.consumed, request.text.size());
}

TEST("long targets cross the blocks of the vector search at every offset") {
  for (size_t n = 1; n < 70; ++n) {
    const std::string path = "/" + std::string(n, 'p');
    Parsed request(withLine("GET " + path + "?" + std::string(70 - n, 'q') + " HTTP/1.1"));
    CHECK_EQ(request.head.path, path);
    CHECK_EQ(request.head.query.size(), 71 - n);
    CHECK_EQ(outcomeOf(withLine("GET " + path + "\x01" + " HTTP/1.1")), "400 URL");
    CHECK_EQ(outcomeOf(withLine("GET " + path + "?\x7f HTTP/1.1")), "400 URL");
  }
}

TEST("any token without lower-case letters is a method, known ones have a code") {
  for (const char* method : {"DELETE", "OPTIONS", "PATCH", "PROPFIND", "M-SEARCH", "QUERY", "TRACE"}) {
    Parsed request(withLine(std::string(method) + " / HTTP/1.1"));
    CHECK_EQ(request.outcome(), "done");
    CHECK_EQ(methods::kNames[request.head.methodCode], method);
  }
  Parsed custom(withLine("BREW2-POT / HTTP/1.1"));
  CHECK_EQ(custom.outcome(), "done");
  CHECK_EQ(int(custom.head.methodCode), 0);
  CHECK_EQ(custom.head.method, "BREW2-POT");
}

TEST("a bad method token is 400 Invalid Verb") {
  for (const char* line : {"get / HTTP/1.1", "Get / HTTP/1.1", "GEt / HTTP/1.1", " GET / HTTP/1.1", "G(T / HTTP/1.1", "G\tT / HTTP/1.1", "-GET / HTTP/1.1",
                           "\x16\x03\x01\x02", "GET\t/ HTTP/1.1", "GET", ": / HTTP/1.1"}) {
    CHECK_EQ(outcomeOf(withLine(line)), "400 Verb");
  }
  CHECK_EQ(outcomeOf(withLine(std::string("GE\0T / HTTP/1.1", 15))), "400 Verb");
  CHECK_EQ(outcomeOf(withLine(std::string(255, 'M') + " / HTTP/1.1")), "done");
  CHECK_EQ(outcomeOf(std::string(256, 'M')), "400 Verb");
}

TEST("PARSE-5: controls, DEL, spaces and a fragment in the target are 400 Invalid URL") {
  for (const char* line : {"GET /a b HTTP/1.1", "GET  / HTTP/1.1", "GET /\t HTTP/1.1", "GET /a\x01 HTTP/1.1", "GET /a\x7f HTTP/1.1",
                           "GET /a#b HTTP/1.1", "GET /a?b#c HTTP/1.1", "GET a HTTP/1.1", "GET ?a HTTP/1.1", "GET //\x1f HTTP/1.1"}) {
    const std::string outcome = outcomeOf(withLine(line));
    // "/a b" ends the target at the space, so what follows is not a version.
    CHECK(outcome == "400 URL" || (std::string(line) == "GET /a b HTTP/1.1" && outcome == "400 BadRequest"));
  }
  CHECK_EQ(outcomeOf(withLine(std::string("GET /a\0b HTTP/1.1", 17))), "400 URL");
  CHECK_EQ(outcomeOf(withLine("GET /\xc3\xa4 HTTP/1.1")), "done");  // whether it is UTF-8 is the cooked URL's question
}

TEST("PARSE-4: an absolute-form target gives host and path, and wins over the Host field") {
  Parsed request(withLine("GET http://h.example:81/p?q HTTP/1.1"));
  CHECK_EQ(request.outcome(), "done");
  CHECK_EQ(request.head.host, "h.example:81");
  CHECK_EQ(request.head.path, "/p");
  CHECK_EQ(request.head.query, "?q");
  Parsed upper(withLine("GET HTTPS://[::1]:81/x HTTP/1.1"));
  CHECK_EQ(upper.outcome(), "done");
  CHECK_EQ(upper.head.host, "[::1]:81");
}

TEST("PARSE-4: an absolute-form target without a path means the root") {
  Parsed bare(withLine("GET http://h:81 HTTP/1.1"));
  CHECK_EQ(bare.outcome(), "done");
  CHECK_EQ(bare.head.path, "/");
  CHECK_EQ(bare.head.query, "");
  Parsed query(withLine("GET http://h?a=b HTTP/1.1"));
  CHECK_EQ(query.head.host, "h");
  CHECK_EQ(query.head.path, "/");
  CHECK_EQ(query.head.query, "?a=b");
  CHECK_EQ(outcomeOf(withLine("GET http://h:81?query=value/1/2 HTTP/1.1")), "400 URL");
}

TEST("an absolute-form target with a bad authority or another scheme is refused") {
  CHECK_EQ(outcomeOf(withLine("GET http:///p HTTP/1.1")), "400 Hostname");
  CHECK_EQ(outcomeOf(withLine("GET http://u:p@h/p HTTP/1.1")), "400 Hostname");
  CHECK_EQ(outcomeOf(withLine("GET http://h\\x/p HTTP/1.1")), "400 Hostname");
  CHECK_EQ(outcomeOf(withLine("GET ftp://h/p HTTP/1.1")), "400 URL");
  CHECK_EQ(outcomeOf(withLine("GET http:/h/p HTTP/1.1")), "400 URL");
  CHECK_EQ(outcomeOf(withLine("GET h:80 HTTP/1.1")), "400 URL");
}

TEST("ROUTE-12: the asterisk form is for OPTIONS alone") {
  Parsed request(withLine("OPTIONS * HTTP/1.1"));
  CHECK_EQ(request.outcome(), "done");
  CHECK_EQ(request.head.path, "*");
  CHECK_EQ(outcomeOf(withLine("GET * HTTP/1.1")), "400 URL");
  CHECK_EQ(outcomeOf(withLine("OPTIONS *a HTTP/1.1")), "400 URL");
}

TEST("RFC 9112 section 3.2.3: CONNECT takes host and port, and nothing else") {
  for (const char* target : {"a:443", "[::1]:8443", "example.com:1", "10.0.0.1:65535"}) {
    Parsed request(withLine(std::string("CONNECT ") + target + " HTTP/1.1"));
    CHECK_EQ(request.outcome(), "done");
    CHECK_EQ(request.head.target, target);
    CHECK_EQ(request.head.path, "/");
  }
  for (const char* target : {"/", "*", "a", "a:", ":443", "a:b", "a:123456", "http://a:443", "a:443/", "a:443?x", "u@a:443"}) {
    CHECK_EQ(outcomeOf(withLine(std::string("CONNECT ") + target + " HTTP/1.1")), "400 URL");
  }
}

TEST("versions other than 1.0 and 1.1 are 505, no version at all is 400") {
  for (const char* version : {"HTTP/2.0", "HTTP/3.0", "HTTP/1.2", "HTTP/0.9"}) {
    CHECK_EQ(outcomeOf(withLine(std::string("GET / ") + version)), "505 Version_N/S");
  }
  CHECK_EQ(outcomeOf("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "505 Version_N/S");
  for (const char* version : {"http/1.1", "HTTP/1", "HTTP/11", "HTTP/1,1", "HTTP/a.1", "HTTQ/1.1", "1.1", "HTTP / 1.1"}) {
    CHECK_EQ(outcomeOf(withLine(std::string("GET / ") + version)), "400 BadRequest");
  }
  CHECK_EQ(outcomeOf("GET /\r\n"), "400 BadRequest");
  CHECK_EQ(outcomeOf("GET /\n"), "400 BadRequest");
}

TEST("the request line ends with CR LF and nothing else") {
  CHECK_EQ(outcomeOf("GET / HTTP/1.1\nHost: a\n\n"), "400 Invalid_CR/LF");
  CHECK_EQ(outcomeOf("GET / HTTP/1.1\rHost: a\r\r"), "400 Invalid_CR/LF");
  CHECK_EQ(outcomeOf("GET / HTTP/1.1 \r\nHost: a\r\n\r\n"), "400 Invalid_CR/LF");
  CHECK_EQ(outcomeOf("GET / HTTP/1.10\r\nHost: a\r\n\r\n"), "400 Invalid_CR/LF");
}

TEST("empty lines before the request line are skipped, a few of them") {
  Parsed request("\r\n\r\n" + withLine("GET /x HTTP/1.1"));
  CHECK_EQ(request.outcome(), "done");
  CHECK_EQ(request.head.path, "/x");
  CHECK_EQ(request.consumed, request.text.size());
  CHECK_EQ(outcomeOf("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"), "incomplete");
  CHECK_EQ(outcomeOf("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"), "400 BadRequest");
  CHECK_EQ(outcomeOf("\r"), "incomplete");
  CHECK_EQ(outcomeOf("\rGET"), "400 Invalid_CR/LF");
  CHECK_EQ(outcomeOf("\nGET / HTTP/1.1\r\n"), "400 Verb");
}

TEST("a request line beyond the limit is 414, also when its end has not come") {
  ParserLimits limits;
  limits.requestLineBytes = 100;
  const std::string target = "/" + std::string(100 - 16, 'a');  // "GET " + target + " HTTP/1.1\r\n" = 100
  CHECK_EQ(outcomeOf("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n", limits), "done");
  CHECK_EQ(outcomeOf("GET " + target + "b HTTP/1.1\r\nHost: a\r\n\r\n", limits), "414 URL_Length");
  CHECK_EQ(outcomeOf("GET /" + std::string(94, 'a'), limits), "incomplete");
  CHECK_EQ(outcomeOf("GET /" + std::string(95, 'a'), limits), "414 URL_Length");
  CHECK_EQ(outcomeOf("GET /" + std::string(20000, 'a')), "414 URL_Length");
}
