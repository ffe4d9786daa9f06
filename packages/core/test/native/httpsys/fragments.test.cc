// Section 5.5 of http-server-api.md: fragments. The recording layer holds each call against the rules while these run.
#include "application.h"

using namespace httpsys;
using kernel::End;
using kernel::instance;

namespace {

constexpr const char* kName = "http://+:8080/piece";

bool added(Application& application, uint32_t token) {
  return application.until("the fragment is told of", [&] { return application.fragments.count(token) == 1; });
}

}  // namespace

TEST("section 5.5: a fragment is handed over with its policy, and its memory stays until the call has ended, however it ends") {
  for (const End end : {End::kPacket, End::kAtOnce}) {
    instance().script.send = end;
    Application application;
    application.addFragment(7, kName, "piece", 60);
    application.addFragment(8, kName, "piece", 0);
    CHECK(added(application, 7) && added(application, 8));
    CHECK_EQ(application.fragments[7].first, int{frames::kFragmentStored});
    CHECK_EQ(application.fragments[8].first, int{frames::kFragmentStored});
  }
}

TEST("section 5.5: what the driver refuses is told with its code") {
  Application application;
  instance().script.results["AddFragmentToCache"] = {87};
  application.addFragment(7, kName, "piece", 60);
  CHECK(added(application, 7));
  CHECK_EQ(application.fragments[7].first, int{frames::kFragmentFailed});
  CHECK_EQ(application.fragments[7].second, 87u);
}

TEST("section 5.5: a name that is no text is refused, and a malformed frame ends the channel") {
  {
    Application application;
    application.addFragment(7, "http://+:8080/\xff", "piece", 60);
    CHECK(added(application, 7));
    CHECK_EQ(application.fragments[7].first, int{frames::kFragmentInvalid});
  }
  Application application;
  application.addFragment(7, kName, "", 60);
  application.until("the channel has failed", [&] { return application.event(driver::QueueEvent::kFailed); });
}

TEST("WINE-19: without the calls a fragment is refused, and the process lives") {
  const Capabilities before = *recorder::capabilities();
  recorder::capabilities()->fragments = false;
  {
    Application application;
    application.addFragment(7, kName, "piece", 60);
    CHECK(added(application, 7));
    CHECK_EQ(application.fragments[7].second, ERROR_CALL_NOT_IMPLEMENTED);
  }
  *recorder::capabilities() = before;
}

TEST("SEND-18: a fragment is the body of a response, whose length the driver adds, and the application is told") {
  for (const End end : {End::kPacket, End::kAtOnce}) {
    instance().script.send = end;
    Application application;
    application.addFragment(7, kName, "piece", 60);
    CHECK(added(application, 7));
    const uint64_t id = instance().deliver({});
    const uint32_t known = application.request().id;
    application.respondWithFragment(known, "X-A: b\r\n", kName);
    const kernel::Answer answer = application.answer(id);
    CHECK_EQ(answer.bytes, "piece");
    CHECK_EQ(answer.field("Content-Length"), "5");
    application.until("it is told", [&] { return application.used.count(known) == 1; });
    CHECK_EQ(application.used[known], int{frames::kFragmentSent});
    CHECK_EQ(application.requests[0].aborted, 0);
  }
}

TEST("SEND-18: a missing fragment sends nothing, and the application answers otherwise") {
  for (const End end : {End::kPacket, End::kAtOnce}) {
    instance().script.send = end;
    Application application;
    const uint64_t id = instance().deliver({});
    const uint32_t known = application.request().id;
    application.respondWithFragment(known, "Connection: close\r\n", kName);
    application.until("it is told", [&] { return application.used.count(known) == 1; });
    CHECK_EQ(application.used[known], int{frames::kFragmentMissing});
    application.respond(known, 404, "", "none");
    const kernel::Answer answer = application.answer(id);
    CHECK_EQ(answer.status, 404);
    CHECK_EQ(answer.bytes, "none");
    CHECK(!answer.disconnects);
    CHECK_EQ(application.requests[0].aborted, 0);
  }
}

TEST("SEND-18: another failure of the send is that of any response") {
  Application application;
  application.addFragment(7, kName, "piece", 60);
  CHECK(added(application, 7));
  instance().script.results["SendHttpResponse"] = {87};
  const uint64_t id = instance().deliver({});
  application.respondWithFragment(application.request().id, "", kName);
  CHECK_EQ(application.answer(id).status, 500);
  application.until("the application hears of it", [&] { return application.requests[0].aborted == frames::kAbortResponse; });
}

TEST("SEND-18: a request that is cancelled while the driver looks for its fragment is over") {
  instance().script.send = End::kHeld;
  Application application;
  const uint64_t id = instance().deliver({});
  const uint32_t known = application.request().id;
  application.respondWithFragment(known, "", kName);
  application.until("it is under way", [] { return instance().pending("SendHttpResponse") == 1; });
  application.cancel(known);
  CHECK(application.answer(id).cancelled);
  CHECK_EQ(application.used.count(known), size_t{0});
}

TEST("SEND-18, SEND-8: HEAD asks for no fragment") {
  Application application;
  kernel::RequestSpec spec;
  spec.verb = HttpVerbHEAD;
  const uint64_t id = instance().deliver(spec);
  const uint32_t known = application.request().id;
  application.respondWithFragment(known, "", kName);
  CHECK_EQ(application.answer(id).status, 200);
  application.until("it is told", [&] { return application.used.count(known) == 1; });
}

TEST("CACHE-26: a response with a fragment and a policy leaves Content-Length to the driver") {
  Application application;
  application.addFragment(7, kName, "piece", 60);
  CHECK(added(application, 7));
  const uint64_t id = instance().deliver({});
  application.respondWithFragment(application.request().id, "Content-Type: text/plain\r\nContent-Length: 5\r\n", kName, 60);
  const kernel::Answer answer = application.answer(id);
  CHECK(answer.hasPolicy);
  CHECK_EQ(answer.count("Content-Length"), 1);
}

TEST("SHUT-2: a queue closes while a fragment is on its way") {
  instance().script.send = End::kHeld;
  Application application;
  application.addFragment(7, kName, "piece", 60);
  application.until("it is under way", [] { return instance().pending("AddFragmentToCache") == 1; });
  application.close();
}
