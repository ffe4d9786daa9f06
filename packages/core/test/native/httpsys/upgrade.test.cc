// Section 7 of http-server-api.md: connections that leave HTTP.
#include "application.h"

using namespace httpsys;
using kernel::End;
using kernel::instance;

namespace {

constexpr const char* kSwitch = "Connection: Upgrade\r\nUpgrade: websocket\r\n";

kernel::RequestSpec upgrading() {
  kernel::RequestSpec spec;
  spec.known.emplace_back(HttpHeaderConnection, "Upgrade");
  spec.known.emplace_back(HttpHeaderUpgrade, "websocket");
  spec.bodyEnded = false;  // the client's bytes go on
  return spec;
}

// The driver does not say that there is a body (section 3.2).
uint64_t deliver() {
  instance().script.upgradesHaveNoBody = true;
  return instance().deliver(upgrading());
}

uint32_t switched(Application* application, uint64_t id) {
  const uint32_t known = application->request().id;
  application->respond(known, 101, kSwitch, "", frames::kResponseOpaque);
  application->until("the driver has switched", [&] { return instance().answer(id).opaque; });
  return known;
}

}  // namespace

TEST("UP-3: 101 goes out with OPAQUE and MORE_DATA, its Connection as an unknown header") {
  Application application;
  const uint64_t id = deliver();
  CHECK((application.request().flags & frames::kRequestUpgrade) != 0);
  const uint32_t known = switched(&application, id);
  const kernel::Answer answer = instance().answer(id);
  CHECK_EQ(answer.status, 101);
  CHECK_EQ(answer.flags[0], api::kSendOpaque | api::kSendMoreData);
  CHECK_EQ(answer.field("Upgrade"), "websocket");
  CHECK_EQ(answer.field("Connection"), "Upgrade");
  application.cancel(known);
}

TEST("UP-5: bytes go both ways at once, the reads under credit, the client's end is told") {
  Application application;
  const uint64_t id = deliver();
  const uint32_t known = switched(&application, id);
  application.frame(frames::kOpaque, 0, 0, known, "from here");
  application.flush();
  instance().feed(id, "from there", false);
  application.until("both arrived", [&] { return application.requests[0].opaque == "from there" && instance().answer(id).bytes == "from here"; });
  instance().feed(id, "", true);
  application.until("the end is told", [&] { return application.requests[0].opaqueEnded; });
  application.frame(frames::kOpaque, frames::kOpaqueIsLast, 0, known, "bye");
  application.flush();
  const kernel::Answer answer = application.answer(id);
  CHECK_EQ(answer.bytes, "from herebye");
  CHECK(answer.disconnects);
}

TEST("UP-6: a switched connection ends with DISCONNECT, or with a reset, each with its read under way") {
  for (const bool resets : {false, true}) {
    Application application;
    const uint64_t id = deliver();
    const uint32_t known = switched(&application, id);
    application.until("it reads", [] { return instance().pending("ReceiveRequestEntityBody") == 1; });
    if (resets) {
      application.cancel(known);
    } else {
      application.frame(frames::kOpaque, frames::kOpaqueClose, 0, known);
      application.flush();
    }
    const kernel::Answer answer = application.answer(id);
    CHECK_EQ(answer.cancelled, resets);
    CHECK_EQ(answer.disconnects, !resets);
    application.until("nothing is under way", [] { return instance().pending("ReceiveRequestEntityBody") == 0; });
  }
}

TEST("UP-7: a queue closes with a switched connection: it is reset") {
  Application application;
  const uint64_t id = deliver();
  switched(&application, id);
  application.close();
  CHECK(instance().answer(id).cancelled);
}

TEST("GONE-1: a client that breaks a switched connection aborts it") {
  for (const bool sending : {false, true}) {
    Application application;
    const uint64_t id = deliver();
    const uint32_t known = switched(&application, id);
    application.until("it reads", [] { return instance().pending("ReceiveRequestEntityBody") == 1; });
    if (sending) {
      instance().script.results["SendResponseEntityBody"] = {1229};
      application.frame(frames::kOpaque, 0, 0, known, "x");
      application.flush();
    } else {
      instance().failBody(id, 64);
    }
    application.until("it is aborted", [&] { return application.requests[0].aborted == frames::kAbortClientClosed; });
  }
}

TEST("UP-1: where the system cannot switch, a 101 is answered 500 and the request aborted") {
  Capabilities* const capabilities = recorder::capabilities();
  const Capabilities before = *capabilities;
  capabilities->opaque = false;
  {
    Application application;
    const uint64_t id = deliver();
    application.respond(application.request().id, 101, kSwitch, "", frames::kResponseOpaque);
    CHECK_EQ(application.answer(id).status, 500);
    CHECK(!application.answer(id).opaque);
    application.until("it is aborted", [&] { return application.requests[0].aborted == frames::kAbortResponse; });
  }
  *capabilities = before;
}

TEST("UP-4: the fields of a handshake are the application's, and go both ways as they are") {
  Application application;
  kernel::RequestSpec spec = upgrading();
  spec.unknown = {{"Sec-WebSocket-Key", "a key"}};
  instance().script.upgradesHaveNoBody = true;
  const uint64_t id = instance().deliver(spec);
  const uint32_t known = application.request().id;
  CHECK(application.requests[0].entries.find("a key") != std::string::npos);
  application.respond(known, 101, std::string(kSwitch) + "Sec-WebSocket-Accept: anything\r\n", "", frames::kResponseOpaque);
  application.until("the driver has switched", [&] { return instance().answer(id).opaque; });
  CHECK_EQ(instance().answer(id).field("Sec-WebSocket-Accept"), "anything");
  application.cancel(known);
}

TEST("UP-9: an upgrade that the application refuses is an ordinary answer") {
  Application application;
  const uint64_t id = deliver();
  application.respond(application.request().id, 426, "", "no");
  CHECK_EQ(application.answer(id).status, 426);
  CHECK(!application.answer(id).opaque);
}
