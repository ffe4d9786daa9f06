// Sections 3.2, 3.3 and 5.1 of http-server-api.md: what the driver has made of a head, as the application gets it.
#include <algorithm>
#include <cstring>

#include "application.h"
#include "common/http_methods.h"

using namespace httpsys;
using kernel::End;
using kernel::instance;

namespace {

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

kernel::RequestSpec with(HTTP_HEADER_ID id, const std::string& value) {
  kernel::RequestSpec spec;
  spec.known.emplace_back(id, value);
  return spec;
}

}  // namespace

TEST("PARSE-1: fields that the driver has joined stay joined, and unknown ones that it has not stay apart, each with its name as it came") {
  Application application;
  kernel::RequestSpec spec = with(HttpHeaderAccept, "text/a, text/b");
  spec.unknown = {{"X-oNe", "1, 2"}, {"x-two", "first"}, {"X-Two", "second"}};
  instance().deliver(spec);
  const std::string entries = application.request().entries;
  CHECK_EQ(count(entries, "text/a, text/b"), size_t{1});
  CHECK_EQ(count(entries, "X-oNe1, 2"), size_t{1});
  CHECK_EQ(count(entries, "x-twofirst"), size_t{1});
  CHECK_EQ(count(entries, "X-Twosecond"), size_t{1});
}

TEST("PARSE-2: Host comes first, then the known fields, then the others") {
  Application application;
  kernel::RequestSpec spec;
  spec.known = {{HttpHeaderAccept, "an accept"}, {HttpHeaderUserAgent, "an agent"}, {HttpHeaderHost, "a.host:8080"}};
  spec.unknown = {{"X-Other", "an other"}};
  instance().deliver(spec);
  const std::string entries = application.request().entries;
  const size_t at[] = {entries.find("a.host:8080"), entries.find("an accept"), entries.find("an agent"), entries.find("an other")};
  CHECK(std::is_sorted(std::begin(at), std::end(at)));
  CHECK(at[3] != std::string::npos);
}

TEST("PARSE-4, PARSE-7, PARSE-8: the target is the raw one, neither decoded nor canonical, absolute form and query included") {
  for (const char* url : {"/a%2Fb/../c%20d?x=%41#", "http://localhost:8080/a?b=/c", "*", "//x//y"}) {
    Application application;
    kernel::RequestSpec spec;
    spec.url = url;
    instance().deliver(spec);
    CHECK_EQ(application.request().target, std::string(url));
  }
}

TEST("PARSE-10: where Transfer-Encoding and Content-Length came both, the length counts for nothing") {
  Application application;
  kernel::RequestSpec spec = with(HttpHeaderTransferEncoding, "chunked");
  spec.known.emplace_back(HttpHeaderContentLength, "3");
  spec.verb = HttpVerbPOST;
  spec.body = "abc";
  spec.bodyEnded = false;
  const uint64_t id = instance().deliver(spec);
  application.request();
  instance().feed(id, "def", false);
  instance().feed(id, "", true);
  application.until("the body is here", [&] { return application.requests[0].ended; });
  CHECK_EQ(application.requests[0].body, "abcdef");
  CHECK((application.requests[0].flags & frames::kRequestChunked) != 0);
}

TEST("RECV-8: what a request points to is taken before its buffer is used again") {
  driver::Driver::Options options;
  options.pendingReceives = 1;
  Application application(std::move(options));
  for (int n = 0; n < 5; ++n) {
    kernel::RequestSpec spec = with(HttpHeaderUserAgent, "agent " + std::to_string(n));
    spec.url = "/" + std::to_string(n);
    spec.body = "body " + std::to_string(n);
    spec.known.emplace_back(HttpHeaderContentLength, "6");
    instance().deliver(spec);
  }
  application.until("all are here", [&] { return application.requests.size() == 5; });
  for (size_t n = 0; n < 5; ++n) {
    const std::string number = std::to_string(n);
    CHECK_EQ(application.requests[n].target, "/" + number);
    CHECK_EQ(application.requests[n].body, "body " + number);
    CHECK_EQ(count(application.requests[n].entries, "agent " + number), size_t{1});
  }
}

TEST("IO-5: the count beside a call that is pending means nothing; the packet's does") {
  // The scripted kernel writes nonsense there.
  instance().script.read = End::kPacket;
  Application application;
  kernel::RequestSpec spec = with(HttpHeaderContentLength, "5");
  spec.verb = HttpVerbPOST;
  spec.bodyEnded = false;
  const uint64_t id = instance().deliver(spec);
  application.request();
  instance().feed(id, "hello", true);
  application.until("the body is here", [&] { return application.requests[0].ended; });
  CHECK_EQ(application.requests[0].body, "hello");
  application.respond(application.requests[0].id, 200, "", "ok");
  CHECK_EQ(application.answer(id).bytes, "ok");
}

TEST("CACHE-3, CACHE-4, CACHE-6 to CACHE-9: a request whose answer the driver would not store is told to the application as such") {
  struct Case {
    kernel::RequestSpec spec;
    bool storable;
  };
  kernel::RequestSpec post = with(HttpHeaderContentLength, "0");
  post.verb = HttpVerbPOST;
  kernel::RequestSpec body = with(HttpHeaderContentLength, "1");
  body.body = "x";
  kernel::RequestSpec head;
  head.verb = HttpVerbHEAD;
  const Case cases[] = {
      {{}, true},
      {with(HttpHeaderExpect, "100-continue"), true},
      {with(HttpHeaderCookie, "a=b"), true},
      {with(HttpHeaderCacheControl, "no-cache"), true},
      {post, false},
      {head, false},
      {body, false},
      {with(HttpHeaderTranslate, "f"), false},
      {with(HttpHeaderExpect, "tea"), false},
      {with(HttpHeaderAuthorization, "Basic eA=="), false},
      {with(HttpHeaderRange, "bytes=0-1"), false},
      {with(HttpHeaderIfRange, "\"tag\""), false},
  };
  for (const Case& one : cases) {
    Application application;
    instance().deliver(one.spec);
    CHECK_EQ((application.request().flags & frames::kRequestUnstorable) == 0, one.storable);
  }
}

TEST("UP-10: CONNECT is delivered like any method") {
  Application application;
  kernel::RequestSpec spec;
  spec.verb = HttpVerbCONNECT;
  spec.url = "localhost:8080";
  instance().deliver(spec);
  CHECK_EQ(application.request().method, methods::kConnect);
  CHECK_EQ(application.requests[0].target, "localhost:8080");
}
