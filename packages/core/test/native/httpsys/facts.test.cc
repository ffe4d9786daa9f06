// Sections 6.2, 3.6 and 9 of http-server-api.md: what is told of a connection's handshake and of a request's user.
#include <algorithm>

#include "application.h"

using namespace httpsys;
using kernel::instance;

namespace {

// A block of a CONNECTION, behind its addresses.
std::string blockOf(const std::string& connection, uint16_t tag) {
  const auto byteAt = [&](size_t at) { return static_cast<uint8_t>(connection[at]); };
  if (connection.size() < 8) return "";
  for (size_t at = 8 + size_t{byteAt(4)} + byteAt(5); at + 4 <= connection.size();) {
    const auto* head = reinterpret_cast<const uint8_t*>(connection.data() + at);
    const size_t length = frames::load16(head + 2);
    if (frames::load16(head) == tag) return connection.substr(at + 4, length);
    at += 4 + length;
  }
  return "";
}

}  // namespace

TEST("AUTH-5: the user of a request comes with it, and its token is closed") {
  driver::QueueSettings settings;
  settings.authSchemes = 4;
  Application application({}, settings);
  kernel::RequestSpec spec;
  spec.authStatus = 0;
  const uint64_t id = instance().deliver(spec);
  application.respond(application.request().id, 200, "", "hello");
  application.answer(id);
  CHECK(application.facts.find("SHOP\\ann") != std::string::npos);
  CHECK(application.facts.find("S-1-5-21-7") != std::string::npos);
}

TEST("AUTH-2, AUTH-7: where nobody may come without a name, the driver's own 401 challenges and the application hears nothing") {
  driver::QueueSettings settings;
  settings.authSchemes = 12;
  settings.allowAnonymous = false;
  Application application({}, settings);
  kernel::RequestSpec spec;
  spec.authStatus = 1;
  const kernel::Answer answer = application.answer(instance().deliver(spec));
  CHECK_EQ(answer.status, 401);
  CHECK_EQ(answer.count("WWW-Authenticate"), 2);
  CHECK(!answer.disconnects);
  CHECK(application.requests.empty());
}

TEST("AUTH-5: the token of a request that is refused is closed too") {
  Application application({}, {}, 1);
  kernel::RequestSpec spec;
  spec.authStatus = 0;
  spec.known.emplace_back(HttpHeaderContentLength, "9");
  spec.verb = HttpVerbPOST;
  spec.bodyEnded = false;
  const uint64_t id = instance().deliver(spec);
  application.request();
  application.close();
  CHECK_EQ(instance().answer(id).status, 503);
}

TEST("section 6.2: a connection on https says so, with the handshake and the client's certificate") {
  Application application;
  kernel::RequestSpec spec;
  spec.encrypted = true;
  spec.certificate = "not really DER";
  const uint64_t id = instance().deliver(spec);
  application.respond(application.request().id, 200, "", "ok");
  application.answer(id);
  CHECK(application.connectionFacts.find("not really DER") != std::string::npos);
  CHECK((application.connectionFlags & frames::kConnectionEncrypted) != 0);
}

TEST("section 3.6: the name that a client asked for in its handshake is told, up to the property's 255 characters") {
  for (const size_t length : {size_t{1}, size_t{255}, size_t{300}}) {
    Application application;
    kernel::RequestSpec spec;
    spec.encrypted = true;
    spec.serverName = std::string(length, 'n');
    const uint64_t id = instance().deliver(spec);
    application.respond(application.request().id, 200, "", "ok");
    application.answer(id);
    const std::string told = blockOf(application.connectionFacts, frames::kBlockServerName);
    CHECK_EQ(told, std::string(std::min<size_t>(length, 255), 'n'));
  }
}

TEST("section 3.6: no name is told where the client sent none, or where the system does not know the property") {
  for (const ULONG code : {NO_ERROR, ERROR_INVALID_FUNCTION, ERROR_INVALID_PARAMETER, ERROR_NOT_SUPPORTED}) {
    Application application;
    kernel::RequestSpec spec;
    spec.encrypted = true;
    if (code != NO_ERROR) {
      spec.serverName = "shop.example";
      instance().script.results["QueryRequestProperty"] = {code};
    }
    const uint64_t id = instance().deliver(spec);
    application.respond(application.request().id, 200, "", "ok");
    application.answer(id);
    CHECK_EQ(instance().calls("QueryRequestProperty"), 1);
    CHECK_EQ(blockOf(application.connectionFacts, frames::kBlockServerName), std::string());
    CHECK(!blockOf(application.connectionFacts, frames::kBlockTls).empty());
  }
}

TEST("section 6.2: a client's certificate beyond 60 KiB is reported as absent, and its request served") {
  for (const size_t bytes : {size_t{60 * 1024}, size_t{60 * 1024 + 1}}) {
    Application application;
    kernel::RequestSpec spec;
    spec.encrypted = true;
    spec.certificate = std::string(bytes, 'c');
    const uint64_t id = instance().deliver(spec);
    application.respond(application.request().id, 200, "", "ok");
    CHECK_EQ(application.answer(id).status, 200);
    const std::string told = blockOf(application.connectionFacts, frames::kBlockClientCertificate);
    CHECK_EQ(told.size(), bytes == 60 * 1024 ? bytes + 4 : 0);
  }
}

TEST("section 6.2: a client is asked for the certificate that its handshake has not shown, once a connection, before its request is handed over") {
  for (const kernel::End end : {kernel::End::kPacket, kernel::End::kAtOnce, kernel::End::kHeld}) {
    instance().script.read = end;
    driver::QueueSettings settings;
    settings.clientCertificate = true;
    Application application({}, settings);
    kernel::RequestSpec spec;
    spec.encrypted = true;
    spec.certificateOnDemand = "late DER";
    const uint64_t first = instance().deliver(spec);
    if (end == kernel::End::kHeld) {
      application.until("it is asked", [] { return instance().pending("ReceiveClientCertificate") == 1; });
      CHECK(application.requests.empty());
      // Nobody else waits for this client.
      application.until("the next receive pends", [] { return instance().pendingReceives() == 4; });
      instance().release();
    }
    application.respond(application.request().id, 200, "", "1");
    application.answer(first);
    CHECK_EQ(blockOf(application.connectionFacts, frames::kBlockClientCertificate), std::string("\0\0\0\0late DER", 12));
    spec.connection = instance().connectionOf(first);
    const uint64_t second = instance().deliver(spec);
    application.respond(application.request(1).id, 200, "", "2");
    application.answer(second);
    CHECK_EQ(instance().calls("ReceiveClientCertificate"), 1);
  }
}

TEST("section 6.2: a client without a certificate, or with one beyond the bound, is served as one that has none") {
  for (const std::string& shown : {std::string(), std::string(60 * 1024 + 1, 'c')}) {
    driver::QueueSettings settings;
    settings.clientCertificate = true;
    Application application({}, settings);
    kernel::RequestSpec spec;
    spec.encrypted = true;
    spec.certificateOnDemand = shown;
    const uint64_t id = instance().deliver(spec);
    application.respond(application.request().id, 200, "", "ok");
    CHECK_EQ(application.answer(id).bytes, "ok");
    CHECK_EQ(instance().calls("ReceiveClientCertificate"), 1);
    CHECK_EQ(blockOf(application.connectionFacts, frames::kBlockClientCertificate), "");
  }
}

TEST("section 6.2: nobody is asked on plain http, on HTTP/2, behind a handshake with a certificate, without the option, or where the system cannot") {
  kernel::RequestSpec plain, http2, shown, silent;
  http2.encrypted = shown.encrypted = silent.encrypted = true;
  http2.flags = api::kRequestHttp2;
  shown.certificate = "DER";
  const auto served = [](const kernel::RequestSpec& spec, bool option) {
    driver::QueueSettings settings;
    settings.clientCertificate = option;
    Application application({}, settings);
    const uint64_t id = instance().deliver(spec);
    application.respond(application.request().id, 200, "", "ok");
    application.answer(id);
    CHECK_EQ(instance().calls("ReceiveClientCertificate"), 0);
  };
  for (const kernel::RequestSpec* spec : {&plain, &http2, &shown}) served(*spec, true);
  served(silent, false);
  recorder::capabilities()->clientCertificate = false;
  served(silent, true);
  recorder::capabilities()->clientCertificate = true;
}

TEST("section 6.2, SHUT-2: a queue closes while a client is asked for its certificate") {
  instance().script.read = kernel::End::kHeld;
  driver::QueueSettings settings;
  settings.clientCertificate = true;
  Application application({}, settings);
  kernel::RequestSpec spec;
  spec.encrypted = true;
  const uint64_t id = instance().deliver(spec);
  application.until("it is asked", [] { return instance().pending("ReceiveClientCertificate") == 1; });
  application.close();
  CHECK_EQ(instance().answer(id).status, 503);
}
