// Section 4 of http-server-api.md: sending responses. The recording layer holds each call against the rules while these run.
#include "application.h"

using namespace httpsys;
using kernel::End;
using kernel::instance;

namespace {

constexpr uint8_t kMore = 0;

struct Way {
  End end;
  bool skips;
};
constexpr Way kWays[] = {{End::kPacket, true}, {End::kAtOnce, true}, {End::kAtOnce, false}};

kernel::Answer answerTo(kernel::RequestSpec spec, int status, const std::string& fields, const std::string& body, int policy = -1) {
  Application application;
  const uint64_t id = instance().deliver(std::move(spec));
  application.respond(application.request().id, status, fields, body, frames::kResponseEnd, policy);
  return application.answer(id);
}

kernel::RequestSpec with(HTTP_VERB verb) {
  kernel::RequestSpec spec;
  spec.verb = verb;
  return spec;
}

kernel::RequestSpec http2() {
  kernel::RequestSpec spec;
  spec.flags = api::kRequestHttp2;
  return spec;
}

}  // namespace

TEST("SEND-4: a whole response leaves in one call without framing of ours") {
  const kernel::Answer answer = answerTo({}, 201, "Content-Type: text/plain\r\nX-A: b\r\n", "hello");
  CHECK_EQ(answer.status, 201);
  CHECK_EQ(answer.sends, 1);
  CHECK_EQ(answer.flags[0], 0u);
  CHECK_EQ(answer.bytes, "hello");
  CHECK_EQ(answer.field("Content-Length"), "5");
  CHECK_EQ(answer.field("X-A"), "b");
  CHECK_EQ(answer.count("Transfer-Encoding"), 0);
}

TEST("SEND-4: more bytes than Content-Length says are cut off, fewer end the connection") {
  const kernel::Answer more = answerTo({}, 200, "Content-Length: 3\r\n", "hello");
  CHECK_EQ(more.bytes, "hel");
  CHECK(more.disconnects);
  const kernel::Answer fewer = answerTo({}, 200, "Content-Length: 9\r\n", "hello");
  CHECK(fewer.cancelled);
}

TEST("SEND-5: a streamed body is chunked here, piece by piece, whichever way sends end") {
  for (const Way& way : kWays) {
    instance().script.send = way.end;
    instance().script.skipModes = way.skips;
    Application application;
    const uint64_t id = instance().deliver({});
    const uint32_t known = application.request().id;
    application.respond(known, 200, "", "one", kMore);
    application.data(known, "two");
    application.until("the pieces are out", [&] { return instance().answer(id).body() == "onetwo"; });
    application.data(known, "three", true);
    const kernel::Answer answer = application.answer(id);
    CHECK_EQ(answer.body(), "onetwothree");
    CHECK_EQ(answer.flags.front() & 3u, 2u);
    CHECK_EQ(answer.flags.back() & 3u, 0u);
  }
}

TEST("SEND-5: trailers end a chunked body") {
  Application application;
  const uint64_t id = instance().deliver({});
  const uint32_t known = application.request().id;
  application.respond(known, 200, "Trailer: X-Sum\r\n", "one", kMore);
  application.end(known, "X-Sum: 7\r\n");
  const std::string bytes = application.answer(id).bytes;
  CHECK(bytes.size() > 15 && bytes.compare(bytes.size() - 15, 15, "0\r\nX-Sum: 7\r\n\r\n") == 0);
}

TEST("SEND-5: a streamed body with Content-Length goes as it is") {
  Application application;
  const uint64_t id = instance().deliver({});
  const uint32_t known = application.request().id;
  application.respond(known, 200, "Content-Length: 6\r\n", "one", kMore);
  application.data(known, "two", true);
  CHECK_EQ(application.answer(id).bytes, "onetwo");
}

TEST("SEND-6, SEND-16: on HTTP/2 there are no chunks, and trailers go as a chunk of their own") {
  Application application;
  const uint64_t id = instance().deliver(http2());
  const uint32_t known = application.request().id;
  application.respond(known, 200, "", "one", kMore);
  application.data(known, "two");
  application.end(known, "X-Sum: 7\r\n");
  const kernel::Answer answer = application.answer(id);
  CHECK_EQ(answer.bytes, "onetwo");
  CHECK_EQ(answer.count("Transfer-Encoding"), 0);
  CHECK_EQ(answer.field("trailer X-Sum"), "7");
}

TEST("SEND-7: an HTTP/1.0 client gets no chunks: the end of the connection ends the body") {
  Application application;
  kernel::RequestSpec spec;
  spec.minorVersion = 0;
  const uint64_t id = instance().deliver(spec);
  const uint32_t known = application.request().id;
  application.respond(known, 200, "", "one", kMore);
  application.data(known, "two", true);
  const kernel::Answer answer = application.answer(id);
  CHECK_EQ(answer.bytes, "onetwo");
  CHECK(answer.disconnects);
  CHECK_EQ(answer.field("Connection"), "close");
}

TEST("SEND-7: an HTTP/1.0 client that asks for keep-alive is told that it has it") {
  kernel::RequestSpec spec;
  spec.minorVersion = 0;
  spec.known.emplace_back(HttpHeaderConnection, "keep-alive");
  const kernel::Answer answer = answerTo(spec, 200, "", "hello");
  CHECK(!answer.disconnects);
  CHECK_EQ(answer.field("Connection"), "keep-alive");
}

TEST("SEND-8: HEAD has no body, and Content-Length only when the application gives it") {
  const kernel::Answer plain = answerTo(with(HttpVerbHEAD), 200, "", "hello");
  CHECK_EQ(plain.bytes, "");
  CHECK_EQ(plain.count("Content-Length"), 0);
  const kernel::Answer given = answerTo(with(HttpVerbHEAD), 200, "Content-Length: 5\r\n", "");
  CHECK_EQ(given.field("Content-Length"), "5");
  CHECK(!given.disconnects && !given.cancelled);
}

TEST("SEND-8: a streamed answer to HEAD is complete with its head") {
  Application application;
  const uint64_t id = instance().deliver(with(HttpVerbHEAD));
  const uint32_t known = application.request().id;
  application.respond(known, 200, "", "one", kMore);
  application.data(known, "two", true);
  CHECK_EQ(application.answer(id).bytes, "");
}

TEST("SEND-9: 204 and 304 have no body and no length of ours") {
  for (const int status : {204, 304}) {
    const kernel::Answer answer = answerTo({}, status, "", "never");
    CHECK_EQ(answer.bytes, "");
    CHECK_EQ(answer.count("Content-Length"), 0);
    CHECK_EQ(answer.count("Transfer-Encoding"), 0);
  }
}

TEST("SEND-9: interim responses are left out, and said once") {
  Application application;
  const uint64_t id = instance().deliver({});
  const uint32_t known = application.request().id;
  application.frame(frames::kInformational, 0, 103, known, "Link: </a>\r\n");
  application.frame(frames::kInformational, 0, 102, known);
  application.flush();
  application.respond(known, 200, "", "ok");
  CHECK_EQ(application.answer(id).sends, 1);
  application.until("it is said", [&] { return application.event(driver::QueueEvent::kInformational); });
  CHECK_EQ(application.driver->counters().informationalDropped, uint64_t{2});
}

TEST("SEND-10: Connection: close is said to the client and DISCONNECT to the driver, whoever asks for it") {
  kernel::RequestSpec asks;
  asks.known.emplace_back(HttpHeaderConnection, "close");
  for (const kernel::Answer& answer : {answerTo(asks, 200, "", "ok"), answerTo({}, 200, "Connection: close\r\n", "ok")}) {
    CHECK(answer.disconnects);
    CHECK_EQ(answer.field("Connection"), "close");
    CHECK_EQ(answer.count("Connection"), 1);
  }
}

TEST("SEND-11: a known field with an empty value is sent as an unknown one") {
  const kernel::Answer answer = answerTo({}, 200, "ETag: \r\nX-Empty: \r\n", "ok");
  CHECK_EQ(answer.count("ETag"), 1);
  CHECK_EQ(answer.count("X-Empty"), 1);
}

TEST("SEND-12: repeated fields all arrive") {
  const kernel::Answer answer = answerTo({}, 200, "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nVary: A\r\nVary: B\r\n", "ok");
  CHECK_EQ(answer.count("Set-Cookie"), 2);
  CHECK_EQ(answer.count("Vary"), 2);
}

TEST("SEND-2: Date and Transfer-Encoding of the application are left to the driver") {
  const kernel::Answer answer = answerTo({}, 200, "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nTransfer-Encoding: chunked\r\n", "ok");
  CHECK_EQ(answer.count("Date"), 0);
  CHECK_EQ(answer.count("Transfer-Encoding"), 0);
  CHECK_EQ(answer.bytes, "ok");
}

TEST("SEND-3: Server of the application goes as it is, and none is made up: the driver adds its own name") {
  CHECK_EQ(answerTo({}, 200, "Server: shop\r\n", "x").field("Server"), "shop");
  CHECK_EQ(answerTo({}, 200, "", "x").count("Server"), 0);
}

TEST("SEND-13: a field with a line end in it never reaches the driver: the client gets 500") {
  for (const char* const fields : {"X-A: b\rc\r\n", "X A: b\r\n", "X-A: b\r\n\r\n"}) {
    Application application;
    const uint64_t id = instance().deliver({});
    application.respond(application.request().id, 200, fields, "ok");
    CHECK_EQ(application.answer(id).status, 500);
    application.until("it is aborted", [&] { return application.requests[0].aborted == frames::kAbortResponse; });
  }
}

TEST("SEND-14: a second head of a response ends it") {
  Application application;
  const uint64_t id = instance().deliver({});
  const uint32_t known = application.request().id;
  application.respond(known, 200, "", "one", kMore);
  application.respond(known, 200, "", "two");
  CHECK(application.answer(id).cancelled);
}

TEST("SEND-15: a body before its head is answered 500") {
  Application application;
  const uint64_t id = instance().deliver({});
  application.data(application.request().id, "one");
  CHECK_EQ(application.answer(id).status, 500);
}

TEST("IO-7: pieces that come while a send is under way wait for it and leave together") {
  instance().script.send = End::kHeld;
  Application application;
  const uint64_t id = instance().deliver({});
  const uint32_t known = application.request().id;
  application.respond(known, 200, "", "one", kMore);
  application.until("it is under way", [] { return instance().pending("SendHttpResponse") == 1; });
  for (int n = 0; n < 5; ++n) application.data(known, "x");
  application.data(known, "y", true);
  application.until("the first was released", [&] {
    instance().release();
    return instance().answer(id).complete;
  });
  CHECK_EQ(application.answer(id).body(), "onexxxxxy");
  CHECK_EQ(application.answer(id).sends, 2);
  instance().release();
}

TEST("IO-6: a large response keeps its bytes until its send has ended, whatever else the application sends") {
  instance().script.send = End::kHeld;
  Application application;
  const uint64_t id = instance().deliver({});
  const std::string large(200 * 1024, 'L');
  application.respond(application.request().id, 200, "", large);
  application.until("it is under way", [] { return instance().pending("SendHttpResponse") == 1; });
  for (int n = 0; n < 50; ++n) {
    application.frame(frames::kData, 0, 0, 0xffffff, std::string(60 * 1024, 'z'));
    application.flush();
  }
  application.until("it is released", [] { return instance().release() == 1; });
  CHECK_EQ(application.answer(id).bytes, large);
}

TEST("SEND-19: a streamed response is reported as drained when its sends have ended, not before") {
  instance().script.send = End::kHeld;
  Application application;
  instance().deliver({});
  const uint32_t known = application.request().id;
  application.respond(known, 200, "", std::string(1000, 'x'), kMore);
  application.until("it is under way", [] { return instance().pending("SendHttpResponse") == 1; });
  CHECK_EQ(application.requests[0].credit, uint64_t{0});
  instance().release();
  application.until("it drains", [&] { return application.requests[0].credit == 1000; });
  application.cancel(known);
}

TEST("CACHE-1: a policy goes with a whole response, seconds as they are, until flushed as UserInvalidates") {
  const kernel::Answer seconds = answerTo({}, 200, "Content-Type: text/plain\r\n", "ok", 60);
  CHECK(seconds.hasPolicy);
  CHECK_EQ(seconds.policy.Policy, HttpCachePolicyTimeToLive);
  CHECK_EQ(seconds.policy.SecondsToLive, 60u);
  const kernel::Answer flushed = answerTo({}, 200, "Content-Type: text/plain\r\n", "ok", 0);
  CHECK_EQ(flushed.policy.Policy, HttpCachePolicyUserInvalidates);
  CHECK(!answerTo({}, 200, "", "ok").hasPolicy);
}

TEST("CACHE-2: a streamed response has no policy") {
  Application application;
  const uint64_t id = instance().deliver({});
  const uint32_t known = application.request().id;
  application.respond(known, 200, "", "one", kMore, 60);
  application.data(known, "two", true);
  CHECK(!application.answer(id).hasPolicy);
}

TEST("CACHE-12: neither 304 nor 206 gets a policy") {
  CHECK(!answerTo({}, 304, "", "", 60).hasPolicy);
  CHECK(!answerTo({}, 206, "Content-Range: bytes 0-1/2\r\n", "ok", 60).hasPolicy);
  CHECK(answerTo({}, 404, "Content-Type: text/plain\r\n", "no", 60).hasPolicy);
}

TEST("CACHE-26: a stored response leaves Content-Length to the driver") {
  const kernel::Answer answer = answerTo({}, 200, "Content-Type: text/plain\r\nContent-Length: 2\r\n", "ok", 60);
  CHECK(answer.hasPolicy);
  CHECK_EQ(answer.count("Content-Length"), 1);
  CHECK_EQ(answer.field("Content-Length"), "2");
}

TEST("SEND-17: a file goes as one chunk of the head's call, and is closed when the send has ended, however that ends") {
  for (const Way& way : kWays) {
    instance().script.send = way.end;
    instance().script.skipModes = way.skips;
    instance().putFile("C:\\site\\page", "0123456789");
    Application application;
    const uint64_t id = instance().deliver({});
    application.respondWithFile(application.request().id, "Content-Length: 4\r\n", "C:\\site\\page", 3, 4);
    const kernel::Answer answer = application.answer(id);
    CHECK_EQ(answer.sends, 1);
    CHECK_EQ(answer.flags[0], 0u);
    CHECK_EQ(answer.bytes, "3456");
    CHECK_EQ(answer.field("Content-Length"), "4");
    CHECK(!answer.hasPolicy);
  }
}

TEST("SEND-17: a file is open until the packet of its send") {
  instance().script.send = End::kHeld;
  instance().putFile("C:\\page", "body");
  Application application;
  const uint64_t id = instance().deliver({});
  const int before = instance().open();
  application.respondWithFile(application.request().id, "", "C:\\page", 0, 4);
  application.until("it is under way", [] { return instance().pending("SendHttpResponse") == 1; });
  CHECK_EQ(instance().open(), before + 1);
  instance().release();
  application.until("it is closed", [&] { return instance().open() == before; });
  CHECK_EQ(application.answer(id).field("Content-Length"), "4");
}

TEST("SEND-17: a file that is missing, is named badly, or has become shorter gets the page of a broken response") {
  for (const char* path : {"C:\\missing", "C:\\\xff", "C:\\short"}) {
    instance().putFile("C:\\short", "12");
    Application application;
    const uint64_t id = instance().deliver({});
    const uint32_t known = application.request().id;
    application.respondWithFile(known, "", path, 0, 4);
    const kernel::Answer answer = application.answer(id);
    CHECK_EQ(answer.status, 500);
    CHECK(answer.disconnects);
  }
}

TEST("SEND-17: of a file no more leaves than Content-Length says, and less ends the connection") {
  for (const bool more : {true, false}) {
    instance().putFile("C:\\page", "0123456789");
    Application application;
    const uint64_t id = instance().deliver({});
    application.respondWithFile(application.request().id, more ? "Content-Length: 3\r\n" : "Content-Length: 30\r\n", "C:\\page", 0, 10);
    const kernel::Answer answer = application.answer(id);
    CHECK_EQ(answer.bytes, more ? "012" : "0123456789");
    CHECK(more ? answer.disconnects : answer.cancelled);
  }
}

TEST("SEND-17, SEND-8: HEAD opens no file") {
  Application application;
  const uint64_t id = instance().deliver(with(HttpVerbHEAD));
  application.respondWithFile(application.request().id, "Content-Length: 4\r\n", "C:\\missing", 0, 4);
  const kernel::Answer answer = application.answer(id);
  CHECK_EQ(answer.status, 200);
  CHECK_EQ(answer.bytes, "");
}

TEST("SEND-17: a file in a response that is not whole, or beside other bytes, breaks the response") {
  for (const bool open : {true, false}) {
    instance().putFile("C:\\page", "body");
    Application application;
    const uint64_t id = instance().deliver({});
    const uint32_t known = application.request().id;
    application.respondWithFile(known, "", "C:\\page", 0, 4, -1, open ? kMore : uint8_t{frames::kResponseEnd}, open ? "" : "more");
    CHECK_EQ(application.answer(id).status, 500);
    application.until("the application hears of it", [&] { return application.requests[0].aborted == frames::kAbortResponse; });
  }
}

TEST("CACHE-16: a file is stored like any body, and leaves Content-Length to the driver (CACHE-26)") {
  instance().putFile("C:\\page", "body");
  Application application;
  const uint64_t id = instance().deliver({});
  application.respondWithFile(application.request().id, "Content-Type: text/plain\r\nContent-Length: 4\r\n", "C:\\page", 0, 4, 60);
  const kernel::Answer answer = application.answer(id);
  CHECK(answer.hasPolicy);
  CHECK_EQ(answer.policy.SecondsToLive, 60u);
  CHECK_EQ(answer.count("Content-Length"), 1);
}

TEST("AUTH-3: a 401 names each scheme in one list of known headers, strongest first") {
  driver::QueueSettings settings;
  settings.authSchemes = 13;
  Application application({}, settings);
  const uint64_t id = instance().deliver({});
  application.respond(application.request().id, 401, "", "who?");
  const kernel::Answer answer = application.answer(id);
  CHECK_EQ(answer.count("WWW-Authenticate"), 3);
  CHECK_EQ(answer.field("WWW-Authenticate"), "Negotiate");
}

TEST("section 4.2: BUFFER_DATA is on each send of a response when it was asked for, and on none else") {
  driver::QueueSettings settings;
  settings.bufferData = true;
  Application application({}, settings);
  const uint64_t id = instance().deliver({});
  const uint32_t known = application.request().id;
  application.respond(known, 200, "", "one", kMore);
  application.data(known, "two", true);
  for (const ULONG flags : application.answer(id).flags) CHECK((flags & api::kSendBufferData) != 0);
}
