// Section 3 of http-server-api.md: receiving requests and their bodies.
#include "application.h"
#include "common/http_methods.h"

using namespace httpsys;
using kernel::End;
using kernel::instance;

namespace {

// Each test twice or more: calls that end at once, and by a packet; with packets switched off for success, and not.
struct Way {
  End end;
  bool skips;
};
constexpr Way kWays[] = {{End::kPacket, true}, {End::kAtOnce, true}, {End::kAtOnce, false}};

kernel::RequestSpec post(const std::string& body, bool ended, const std::string& length) {
  kernel::RequestSpec spec;
  spec.verb = HttpVerbPOST;
  spec.body = body;
  spec.bodyEnded = ended;
  if (length.empty()) {
    spec.known.emplace_back(HttpHeaderTransferEncoding, "chunked");
  } else {
    spec.known.emplace_back(HttpHeaderContentLength, length);
  }
  return spec;
}

}  // namespace

TEST("IO-2, IO-3: requests come the same way whether receives end at once or by packets, skipped or not") {
  for (const Way& way : kWays) {
    instance().script.receive = instance().script.send = way.end;
    instance().script.skipModes = way.skips;
    uint64_t ids[20];
    for (uint64_t& id : ids) id = instance().deliver({});
    Application application;
    for (size_t n = 0; n < 20; ++n) application.respond(application.request(n).id, 200, "", "ok");
    for (const uint64_t id : ids) CHECK_EQ(application.answer(id).bytes, "ok");
    CHECK_EQ(application.requests.size(), size_t{20});
  }
}

TEST("RECV-5: so many receives are pending as the option says, and no more than there is credit") {
  driver::Driver::Options options;
  options.pendingReceives = 6;
  {
    Application application(std::move(options));
    application.until("they pend", [] { return instance().pendingReceives() == 6; });
  }
  Application application({}, {}, 2);
  application.until("they pend", [] { return instance().pendingReceives() == 2; });
}

TEST("IO-4, RECV-3: a head beyond the buffer is received again by its id with the room it takes") {
  for (const bool doubled : {false, true}) {
    for (const End end : {End::kPacket, End::kAtOnce}) {
      instance().script.receive = end;
      instance().script.packetAfterMoreData = doubled && end == End::kAtOnce;
      kernel::RequestSpec spec;
      spec.unknown.emplace_back("X-Large", std::string(40000, 'x'));
      const uint64_t large = instance().deliver(spec);
      const uint64_t next = instance().deliver({});
      Application application;
      application.until("both are here", [&] { return application.requests.size() == 2; });
      CHECK_EQ(instance().calls("ReceiveHttpRequest") >= 3, true);
      for (const Seen& one : std::vector<Seen>(application.requests)) application.respond(one.id, 200, "", "ok");
      CHECK_EQ(application.answer(large).status, 200);
      CHECK_EQ(application.answer(next).status, 200);
    }
  }
}

TEST("RECV-3: a head beyond every bound is answered 431 and costs nobody else") {
  kernel::RequestSpec spec;
  for (int n = 0; n < 400; ++n) spec.unknown.emplace_back("X-" + std::to_string(n), std::string(60000, 'x'));
  Application application;
  const uint64_t large = instance().deliver(spec);
  CHECK_EQ(application.answer(large).status, 431);
  const uint64_t next = instance().deliver({});
  application.respond(application.request().id, 200, "", "ok");
  CHECK_EQ(application.answer(next).status, 200);
}

TEST("RECV-4: a client that leaves between the two receives of its head costs nothing") {
  instance().script.receive = End::kAtOnce;
  instance().script.results["ReceiveHttpRequest"] = {0, 1229};
  kernel::RequestSpec spec;
  spec.unknown.emplace_back("X-Large", std::string(40000, 'x'));
  const uint64_t gone = instance().deliver(spec);
  Application application({}, {}, 1);
  application.until("the receive by id failed", [] { return instance().pendingReceives() == 1; });
  instance().disconnect(instance().connectionOf(gone));
  const uint64_t next = instance().deliver({});
  application.respond(application.request().id, 200, "", "ok");
  CHECK_EQ(application.answer(next).status, 200);
  CHECK_EQ(application.requests.size(), size_t{1});
}

TEST("RECV-1: receives that fail again and again end the channel with their code, not the process; the next channel goes on") {
  // 995 and 6 too, when nobody has cancelled: the driver's service was stopped.
  for (const ULONG code : {87u, 5u, 995u, 6u}) {
    for (int n = 0; n < 70; ++n) instance().script.results["ReceiveHttpRequest"].push_back(code);
    Application application;
    application.until("the channel fails", [&] { return application.event(driver::QueueEvent::kFailed); });
    CHECK_EQ(application.events[0].code, code);
    instance().script.results.clear();
    application.driver->start(10);
    const uint64_t id = instance().deliver({});
    application.respond(application.request().id, 200, "", "ok");
    CHECK_EQ(application.answer(id).bytes, "ok");
  }
}

TEST("RECV-7: requests of one connection are told of with one connection, which closes when its client leaves") {
  Application application;
  const uint64_t first = instance().deliver({});
  application.respond(application.request(0).id, 200, "", "1");
  application.answer(first);
  kernel::RequestSpec spec;
  spec.connection = instance().connectionOf(first);
  const uint64_t second = instance().deliver(spec);
  application.respond(application.request(1).id, 200, "", "2");
  application.answer(second);
  CHECK_EQ(application.connections.size(), size_t{1});
  CHECK_EQ(application.requests[0].connection, application.requests[1].connection);
  instance().disconnect(spec.connection);
  application.until("it closes", [&] { return application.closedConnections.size() == 1; });
}

TEST("section 3.2: verbs, unknown verbs, targets and versions arrive") {
  Application application;
  kernel::RequestSpec spec;
  spec.verb = HttpVerbUnknown;
  spec.unknownVerb = "BREW";
  spec.url = "/pot?type=a%20b";
  spec.minorVersion = 0;
  spec.ipv6 = true;
  spec.unknown = {{"X-One", "1"}, {"X-One", "2"}};
  instance().deliver(spec);
  const Seen seen = application.request();
  CHECK_EQ(seen.methodName, "BREW");
  CHECK_EQ(seen.target, "/pot?type=a%20b");
  CHECK((seen.flags & frames::kRequestHttp10) != 0);
  CHECK((seen.flags & frames::kRequestKeepAlive) == 0);
  spec = {};
  spec.verb = HttpVerbSEARCH;
  instance().deliver(spec);
  CHECK_EQ(application.request(1).method, methods::kSearch);
}

TEST("RECV-6, BODY-8: what came with the head and what is read later are one stream") {
  for (const Way& way : kWays) {
    instance().script.receive = instance().script.read = way.end;
    instance().script.skipModes = way.skips;
    const uint64_t id = instance().deliver(post("hello ", false, "11"));
    Application application;
    application.request();
    instance().feed(id, "world", true);
    application.until("the body is here", [&] { return application.requests[0].ended; });
    CHECK_EQ(application.requests[0].body, "hello world");
    application.respond(application.requests[0].id, 200, "", "ok");
    application.answer(id);
  }
}

TEST("IO-4, BODY-2: the end of a chunked body is a result of its own") {
  Application application;
  const uint64_t id = instance().deliver(post("a", false, ""));
  application.request();
  instance().feed(id, "b", false);
  instance().feed(id, "", true);
  application.until("the body is here", [&] { return application.requests[0].ended; });
  CHECK_EQ(application.requests[0].body, "ab");
  CHECK((application.requests[0].flags & frames::kRequestChunked) != 0);
}

TEST("BODY-4: a body is read under the application's credit, and never more than 128 KiB at a time") {
  Application application;
  const uint64_t id = instance().deliver(post(std::string(600 * 1024, 'x'), true, std::to_string(600 * 1024)));
  application.request();
  application.until("the window is full", [&] { return application.requests[0].body.size() == frames::kBodyWindowBytes; });
  CHECK_EQ(instance().pending("ReceiveRequestEntityBody"), 0);
  for (size_t given = frames::kBodyWindowBytes; given < 600 * 1024; given += 200 * 1024) application.credit(application.requests[0].id, 200 * 1024);
  application.until("the body is here", [&] { return application.requests[0].ended; });
  CHECK_EQ(application.requests[0].body.size(), size_t{600 * 1024});
  application.respond(application.requests[0].id, 200, "", "ok");
  application.answer(id);
}

TEST("BODY-3: a client that resets in the middle of its body aborts the request, whatever the code") {
  for (const ULONG code : {64u, 1229u, 1236u, 995u}) {
    Application application;
    const uint64_t id = instance().deliver(post("a", false, "10"));
    application.request();
    instance().failBody(id, code);
    application.until("it is aborted", [&] { return application.requests[0].aborted == frames::kAbortClientClosed; });
    application.respond(application.requests[0].id, 200, "", "too late");
  }
}

TEST("BODY-5: the body of a client that waits for 100 is asked for, and the application sends none itself") {
  Application application;
  kernel::RequestSpec spec = post("", false, "3");
  spec.known.emplace_back(HttpHeaderExpect, "100-continue");
  const uint64_t id = instance().deliver(spec);
  const Seen seen = application.request();
  CHECK((seen.flags & frames::kRequestExpectContinue) != 0);
  application.frame(frames::kInformational, 0, 100, seen.id);
  application.flush();
  application.until("the body is asked for", [] { return instance().pending("ReceiveRequestEntityBody") == 1; });
  instance().feed(id, "abc", true);
  application.until("the body is here", [&] { return application.requests[0].ended; });
  CHECK(!application.event(driver::QueueEvent::kInformational));
}

TEST("BODY-6, SEND-21: a response before the body was read completes it; the read under way ends by itself") {
  Application application;
  const uint64_t id = instance().deliver(post("a", false, "10"));
  application.respond(application.request().id, 200, "", "early");
  CHECK_EQ(application.answer(id).bytes, "early");
  instance().feed(id, "rest", false);
}

TEST("BODY-7: a body that is too large by its length is 413 at once, one without a length when it has become too large") {
  driver::QueueSettings settings;
  settings.maxRequestBodyBytes = 8;
  Application application({}, settings);
  const uint64_t declared = instance().deliver(post("a", false, "9"));
  CHECK_EQ(application.answer(declared).status, 413);
  CHECK(application.requests.empty());
  const uint64_t chunked = instance().deliver(post("1234", false, ""));
  application.request();
  instance().feed(chunked, "56789", false);
  CHECK_EQ(application.answer(chunked).status, 413);
  application.until("it is aborted", [&] { return application.requests[0].aborted == frames::kAbortMalformedBody; });
}

TEST("GONE-3: a client that leaves while its request is under way aborts it, and its connection is told closed") {
  Application application;
  const uint64_t id = instance().deliver({});
  application.request();
  instance().disconnect(instance().connectionOf(id));
  application.until("it is aborted", [&] { return application.requests[0].aborted == frames::kAbortClientClosed; });
  application.until("its connection closes", [&] { return application.closedConnections.size() == 1; });
  application.respond(application.requests[0].id, 200, "", "too late");
}

TEST("GONE-3: where the system refuses to wait for the end of a connection, its requests are served all the same") {
  for (const ULONG code : {1u, 50u, 87u}) {
    instance().script.results["WaitForDisconnectEx"] = {code};
    Application application;
    const uint64_t first = instance().deliver({});
    application.respond(application.request(0).id, 200, "", "1");
    CHECK_EQ(application.answer(first).bytes, "1");
    kernel::RequestSpec spec;
    spec.connection = instance().connectionOf(first);
    const uint64_t second = instance().deliver(spec);
    application.respond(application.request(1).id, 200, "", "2");
    CHECK_EQ(application.answer(second).bytes, "2");
    CHECK_EQ(application.requests[0].aborted + application.requests[1].aborted, 0);
    // One refusal is enough: the next connection is not waited for.
    const uint64_t other = instance().deliver({});
    application.respond(application.request(2).id, 200, "", "3");
    application.answer(other);
    CHECK_EQ(instance().calls("WaitForDisconnectEx"), 1);
  }
}

TEST("RECV-7: concurrent streams of HTTP/2 are told of each, and only the connection is waited for") {
  Application application;
  kernel::RequestSpec spec;
  spec.flags = api::kRequestHttp2;
  const uint64_t first = instance().deliver(spec);
  spec.connection = instance().connectionOf(first);
  const uint64_t second = instance().deliver(spec);
  application.until("both are here", [&] { return application.requests.size() == 2; });
  CHECK_EQ(application.connections.size(), size_t{2});
  for (const Seen& one : std::vector<Seen>(application.requests)) application.respond(one.id, 200, "Connection: close\r\n", "ok");
  CHECK_EQ(application.answer(first).field("Connection"), "");
  CHECK_EQ(application.answer(second).field("Connection"), "");
}
