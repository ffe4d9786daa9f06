// What goes wrong, at each point: clients that leave, calls that fail, queues that close, applications that are malformed.
#include "application.h"

using namespace httpsys;
using kernel::End;
using kernel::instance;

namespace {

constexpr uint8_t kMore = 0;

kernel::RequestSpec posting() {
  kernel::RequestSpec spec;
  spec.verb = HttpVerbPOST;
  spec.known.emplace_back(HttpHeaderContentLength, "1000000");
  spec.bodyEnded = false;
  return spec;
}

}  // namespace

TEST("GONE-1: a send to a client that left ends the request, whatever the code, at once or by a packet") {
  for (const ULONG code : {1229u, 64u, 1236u, 995u}) {
    for (const bool byPacket : {false, true}) {
      Application application;
      const uint64_t id = instance().deliver({});
      const uint32_t known = application.request().id;
      if (byPacket) {
        instance().script.send = End::kHeld;
        application.respond(known, 200, "", "one", kMore);
        application.until("it is under way", [] { return instance().pending("SendHttpResponse") == 1; });
        instance().release(code);
      } else {
        instance().script.results["SendHttpResponse"] = {code};
        application.respond(known, 200, "", "one", kMore);
      }
      application.until("it is aborted", [&] { return application.requests[0].aborted == frames::kAbortClientClosed; });
      application.data(known, "more");
      application.end(known);
      instance().disconnect(instance().connectionOf(id));
    }
  }
}

TEST("GONE-1: a later piece that fails ends the request as well") {
  Application application;
  instance().deliver({});
  const uint32_t known = application.request().id;
  application.respond(known, 200, "", "one", kMore);
  application.until("the head is out", [&] { return application.requests[0].credit == 3; });
  instance().script.results["SendResponseEntityBody"] = {1229};
  application.data(known, "two");
  application.until("it is aborted", [&] { return application.requests[0].aborted == frames::kAbortClientClosed; });
}

TEST("GONE-2: what the application sends behind a send that failed is left out, without a further call") {
  Application application;
  instance().script.results["SendHttpResponse"] = {1229};
  instance().deliver({});
  const uint32_t known = application.request().id;
  application.respond(known, 200, "", "one", kMore);
  application.until("it is aborted", [&] { return application.requests[0].aborted == frames::kAbortClientClosed; });
  application.data(known, "two");
  application.data(known, "three", true);
  application.end(known);
  const uint64_t next = instance().deliver({});
  application.respond(application.request(1).id, 200, "", "ok");
  CHECK_EQ(application.answer(next).bytes, "ok");
  CHECK_EQ(instance().calls("SendResponseEntityBody"), 0);
}

TEST("SEND-FLAGS: a head that the driver refuses is answered 500, and said once") {
  for (const ULONG code : {87u, 50u, 22u}) {
    Application application;
    instance().script.results["SendHttpResponse"] = {code};
    const uint64_t id = instance().deliver({});
    application.respond(application.request().id, 200, "", "one", kMore);
    CHECK_EQ(application.answer(id).status, 500);
    application.until("it is said", [&] { return application.event(driver::QueueEvent::kSendRefused); });
    application.until("it is aborted", [&] { return application.requests[0].aborted == frames::kAbortResponse; });
  }
}

TEST("SEND-FLAGS: a page that the driver refuses too ends with the request, without a second try") {
  Application application;
  instance().script.results["SendHttpResponse"] = {87, 87};
  const uint64_t id = instance().deliver({});
  application.respond(application.request().id, 200, "", "one", kMore);
  CHECK(application.answer(id).cancelled);
  CHECK_EQ(instance().calls("SendHttpResponse"), 2);
}

TEST("GONE-5: a request that the application cancels is reset, with its send and its read under way") {
  instance().script.send = instance().script.read = End::kHeld;
  Application application;
  const uint64_t id = instance().deliver(posting());
  const uint32_t known = application.request().id;
  application.respond(known, 200, "", "one", kMore);
  application.until("both are under way", [] {
    return instance().pending("SendHttpResponse") == 1 && instance().pending("ReceiveRequestEntityBody") == 1;
  });
  application.cancel(known);
  CHECK(application.answer(id).cancelled);
  application.until("nothing is under way", [] {
    return instance().pending("SendHttpResponse") == 0 && instance().pending("ReceiveRequestEntityBody") == 0;
  });
}

TEST("IO-8, SHUT-2: a queue closes with receives pending") {
  Application application;
  application.until("they pend", [] { return instance().pendingReceives() == 4; });
  application.close();
  CHECK_EQ(instance().calls("ShutdownRequestQueue"), 1);
}

TEST("SHUT-6: a request that nobody answers when the queue closes gets 503") {
  Application application;
  const uint64_t id = instance().deliver({});
  application.request();
  application.close();
  CHECK_EQ(instance().answer(id).status, 503);
}

TEST("SHUT-6: a queue closes while a body is being read") {
  instance().script.read = End::kHeld;
  Application application;
  const uint64_t id = instance().deliver(posting());
  application.until("it is read", [] { return instance().pending("ReceiveRequestEntityBody") == 1; });
  application.close();
  CHECK_EQ(instance().answer(id).status, 503);
}

TEST("SHUT-6: a queue closes with a response that has begun: its connection is reset") {
  Application application;
  const uint64_t id = instance().deliver({});
  application.respond(application.request().id, 200, "", "one", kMore);
  application.until("it has begun", [&] { return application.requests[0].credit == 3; });
  application.close();
  CHECK(instance().answer(id).cancelled);
}

TEST("SHUT-3: a queue closes with a send under way, which may still complete") {
  instance().script.send = End::kHeld;
  Application application;
  const uint64_t id = instance().deliver({});
  application.respond(application.request().id, 200, "", "whole");
  application.until("it is under way", [] { return instance().pending("SendHttpResponse") == 1; });
  application.driver->close();
  application.until("it closes when the send is released", [&] {
    instance().release();
    return application.event(driver::QueueEvent::kClosed);
  });
  CHECK_EQ(instance().answer(id).bytes, "whole");
  CHECK(!instance().answer(id).abandoned);
}

TEST("SHUT-2: a queue closes while the end of a connection is waited for") {
  Application application;
  const uint64_t id = instance().deliver({});
  application.respond(application.request().id, 200, "", "ok");
  application.answer(id);
  application.until("it is waited for", [] { return instance().pending("WaitForDisconnectEx") == 1; });
  application.close();
  CHECK_EQ(instance().pending("WaitForDisconnectEx"), 0);
}

TEST("SHUT-2: a queue closes while a flush is under way") {
  instance().script.send = End::kHeld;
  Application application;
  application.driver->flushCache(1, u"http://+:8080/", true);
  application.until("it is under way", [] { return instance().pending("FlushResponseCache") == 1; });
  application.close();
}

TEST("SHUT-2: a queue closes while a large head is received again") {
  for (int round = 0; round < 20; ++round) {
    kernel::RequestSpec spec;
    spec.unknown.emplace_back("X-Large", std::string(40000, 'x'));
    Application application;
    instance().deliver(spec);
    application.close();
  }
}

TEST("SHUT-1: a queue that opens and closes under traffic leaves nothing, twenty times") {
  for (int round = 0; round < 20; ++round) {
    Application application;
    for (int n = 0; n < 20; ++n) instance().deliver(n % 3 == 0 ? posting() : kernel::RequestSpec());
    application.until("some are here", [&] { return application.requests.size() >= static_cast<size_t>(round); });
    for (size_t n = 0; n < static_cast<size_t>(round) && n < application.requests.size(); ++n) {
      application.respond(application.requests[n].id, 200, "", "ok", n % 2 == 0 ? uint8_t{frames::kResponseEnd} : kMore);
    }
    application.close();
  }
}

TEST("SHUT-1: where a queue cannot be shut down, what comes while it closes is told 503") {
  const Capabilities before = *recorder::capabilities();
  recorder::capabilities()->shutdownQueue = recorder::capabilities()->cancelRequest = false;
  recorder::capabilities()->waitForDisconnect = recorder::capabilities()->waitForDisconnectEx = false;
  {
    Application application;
    const uint64_t id = instance().deliver({});
    application.respond(application.request().id, 200, "", "one", kMore);
    application.until("it has begun", [&] { return application.requests[0].credit == 3; });
    application.driver->close();
    const uint64_t late = instance().deliver({});
    CHECK_EQ(application.answer(late).status, 503);
    CHECK(application.answer(id).disconnects);
    application.close();
    CHECK_EQ(instance().calls("ShutdownRequestQueue"), 0);
    CHECK_EQ(instance().calls("CancelHttpRequest"), 0);
    CHECK_EQ(instance().calls("WaitForDisconnectEx"), 0);
  }
  *recorder::capabilities() = before;
}

TEST("CAPABILITY: where the system can do no more than Wine, requests are answered and nothing else is called") {
  const Capabilities before = *recorder::capabilities();
  Capabilities none{};
  none.wine = true;
  *recorder::capabilities() = none;
  {
    Application application;
    kernel::RequestSpec spec;
    spec.encrypted = true;
    spec.flags = api::kRequestHttp2;
    const uint64_t id = instance().deliver(spec);
    const uint32_t known = application.request().id;
    application.respond(known, 200, "", "one", kMore);
    application.end(known, "X-Sum: 7\r\n");
    CHECK_EQ(application.answer(id).field("trailer X-Sum"), "");
    const uint64_t upgrade = instance().deliver({});
    application.respond(application.request(1).id, 101, "Connection: Upgrade\r\nUpgrade: websocket\r\n", "", frames::kResponseOpaque);
    CHECK_EQ(application.answer(upgrade).status, 500);
    CHECK_EQ(application.requests[1].aborted, int{frames::kAbortResponse});
    instance().deliver({});
    application.cancel(application.request(2).id);
    const char url[] = "http://+:8080/";
    application.driver->flushCache(6, std::u16string(url, url + sizeof url - 1), true);
    application.until("it is flushed", [&] { return application.event(driver::QueueEvent::kFlushed); });
    application.close();
    // The recording layer says the rest.
    CHECK_EQ(instance().flushed(), "");
  }
  *recorder::capabilities() = before;
}

TEST("the end of the process: the thread stops where it is, with everything under way") {
  instance().script.send = instance().script.read = End::kHeld;
  auto* application = new Application;
  instance().deliver(posting());
  application->respond(application->request().id, 200, "", "one", kMore);
  application->until("it is under way", [] { return instance().pending("SendHttpResponse") == 1; });
  const std::unique_ptr<driver::Driver>* const kept = new std::unique_ptr<driver::Driver>(std::move(application->driver));
  (*kept)->abandon();
  CHECK((*kept)->submit(reinterpret_cast<const uint8_t*>("x"), 1));
  // Nothing of it may be destroyed: a process that ends does not. What the system was given stays reachable from here.
  static auto* const reachable = new std::vector<const void*>;
  reachable->push_back(kept);
  reachable->push_back(application);
  (void)recorder::takeViolations();
  instance().endProcess();
  instance().reset();
}

TEST("a malformed frame ends the channel with a reason; the next one goes on") {
  const std::string bad[] = {std::string(3, 'x'), std::string("\x05\0\0\0\x21\0\0\0\0\0\0\0", 12), std::string("\xff\xff\xff\x7f\x21\0\0\0\0\0\0\0", 12),
                             std::string("\x0e\0\0\0\x10\0\0\0\0\0\0\0\1\2", 14), std::string("\x0e\0\0\0\x21\0\xc8\0\1\0\0\0\1\2", 14)};
  for (const std::string& bytes : bad) {
    Application application;
    const uint64_t id = instance().deliver({});
    application.request();
    application.raw(bytes);
    application.until("the channel fails", [&] { return application.event(driver::QueueEvent::kFailed); });
    CHECK_EQ(application.answer(id).status, 503);
    application.driver->start(10);
    const uint64_t next = instance().deliver({});
    application.respond(application.request(1).id, 200, "", "ok");
    CHECK_EQ(application.answer(next).bytes, "ok");
  }
}

TEST("more response bytes than the window end the channel, and the memory stays bounded") {
  instance().script.send = End::kHeld;
  Application application;
  instance().deliver({});
  const uint32_t known = application.request().id;
  application.respond(known, 200, "", "", kMore);
  for (int n = 0; n < 6; ++n) application.data(known, std::string(60 * 1024, 'x'));
  application.until("the channel fails", [&] { return application.event(driver::QueueEvent::kFailed); });
}

TEST("two thousand requests over a few connections, answered in every way: nothing grows, nothing is broken") {
  Application application;
  uint64_t connections[8] = {};
  for (size_t n = 0; n < 2000; ++n) {
    kernel::RequestSpec spec = n % 5 == 0 ? posting() : kernel::RequestSpec();
    spec.connection = connections[n % 8];
    spec.verb = n % 7 == 0 ? HttpVerbHEAD : spec.verb;
    if (n % 5 == 0) spec.known.back().second = "6";
    const uint64_t id = instance().deliver(spec);
    connections[n % 8] = instance().connectionOf(id);
    const uint32_t known = application.request(n).id;
    if (n % 5 == 0) {
      instance().feed(id, "abcdef", true);
      application.until("its body is here", [&] { return application.requests[n].ended; });
    }
    if (n % 3 == 0) {
      application.respond(known, 200, "", "one", kMore);
      application.data(known, "two", true);
    } else if (n % 31 == 0) {
      application.cancel(known);
    } else {
      application.respond(known, 200, "Content-Type: text/plain\r\n", "whole", frames::kResponseEnd, n % 4 == 0 ? 10 : -1);
    }
    const kernel::Answer answer = application.answer(id);
    if (answer.cancelled || answer.disconnects) connections[n % 8] = 0;
    application.credit(0, 1);
  }
  CHECK_EQ(application.driver->counters().requests, uint64_t{2000});
  application.until("nothing is in flight", [&] { return application.driver->counters().inFlight == 0; });
}
