// The recording layer itself: it notices calls that break a rule of receiving, of bodies, of connections and of the cache.
#include "hand.h"

using namespace httpsys;
using kernel::End;
using kernel::instance;

namespace {

kernel::RequestSpec upload(bool ended = false) {
  kernel::RequestSpec spec;
  spec.verb = HttpVerbPOST;
  spec.bodyEnded = ended;
  return spec;
}

// Below every head that is delivered here.
constexpr ULONG kSmallBytes = 848;

void flush(Hand& hand, const wchar_t* url, ULONG flags = 0) { Hand::api().FlushResponseCache(hand.queue, url, flags, hand.overlapped()); }

void askProperty(Hand& hand, HTTP_REQUEST_ID id, api::RequestProperty property, ULONG qualifierBytes, ULONG bytes, OVERLAPPED* overlapped) {
  api::SniProperty sni{};
  Hand::api().QueryRequestProperty(hand.queue, id, property, nullptr, qualifierBytes, &sni, bytes, nullptr, overlapped);
}

}  // namespace

TEST("the recording layer notices receives that break a rule") {
  expectNotices({
      {"RECV-1", [](Hand& hand) { hand.receive(HTTP_NULL_ID, 4096, 2); }},
      {"RECV-2: a buffer below", [](Hand& hand) { hand.receive(99, 847); }},
      {"RECV-2: a buffer that is not aligned",
       [](Hand& hand) {
         alignas(8) static char room[2048];
         Hand::api().ReceiveHttpRequest(hand.queue, 99, 0, reinterpret_cast<HTTP_REQUEST*>(room + 4), 1024, nullptr, hand.overlapped());
       }},
      {"SHUT-1: a queue that was shut down",
       [](Hand& hand) {
         Hand::api().ShutdownRequestQueue(hand.queue);
         hand.receive(HTTP_NULL_ID);
       }},
      {"RECV-4: a request is received by an id", [](Hand& hand) { hand.receive(hand.request()); }},
      {"RECV-3",
       [](Hand& hand) {
         const uint64_t id = instance().deliver({});
         CHECK_EQ(hand.receive(HTTP_NULL_ID, kSmallBytes), ERROR_MORE_DATA);
         hand.receive(id, kSmallBytes);
       }},
      {"RECV-5",
       [](Hand& hand) {
         for (int n = 0; n < 1025; ++n) hand.receive(HTTP_NULL_ID);
       }},
      {"SHUT-5: HttpReceiveHttpRequest",
       [](Hand& hand) {
         Hand::api().CloseRequestQueue(hand.queue);
         hand.receive(HTTP_NULL_ID);
       }},
  });
}

TEST("the recording layer notices reads of a body that break a rule") {
  expectNotices({
      {"SEND-14: HttpReceiveRequestEntityBody for a request", [](Hand& hand) { hand.read(99); }},
      {"BODY-1", [](Hand& hand) { hand.read(hand.request(upload()), 100, 2); }},
      {"BODY-4: a read of 0", [](Hand& hand) { hand.read(hand.request(upload()), 0); }},
      {"BODY-4: a read of 131073",
       [](Hand& hand) {
         static char room[131073];
         const HTTP_REQUEST_ID id = hand.request(upload());
         Hand::api().ReceiveRequestEntityBody(hand.queue, id, 0, room, sizeof room, nullptr, hand.overlapped());
       }},
      {"IO-7: a second read",
       [](Hand& hand) {
         const HTTP_REQUEST_ID id = hand.request(upload());
         hand.read(id);
         hand.read(id);
       }},
      {"BODY-2: a body is read that the request has not", [](Hand& hand) { hand.read(hand.request()); }},
      {"BODY-2: a body is read behind its end",
       [](Hand& hand) {
         const HTTP_REQUEST_ID id = hand.request(upload());
         instance().feed(id, "", true);
         CHECK_EQ(hand.read(id), ERROR_HANDLE_EOF);
         hand.read(id);
       }},
      {"BODY-3",
       [](Hand& hand) {
         const HTTP_REQUEST_ID id = hand.request(upload());
         instance().script.send = End::kHeld;
         hand.send(id);
         hand.read(id);
       }},
      {"GONE-5: a body is read of a request that was cancelled",
       [](Hand& hand) {
         const HTTP_REQUEST_ID id = hand.request(upload());
         Hand::api().CancelHttpRequest(hand.queue, id, nullptr);
         hand.read(id);
       }},
  });
}

TEST("the recording layer notices an OVERLAPPED that is none, is in use, or was not cleared") {
  expectNotices({
      {"IO-1: HttpSendHttpResponse would block",
       [](Hand& hand) {
         const HTTP_REQUEST_ID id = hand.request();
         instance().script.send = End::kHeld;
         Hand::api().SendHttpResponse(hand.queue, id, 0, &hand.response, nullptr, nullptr, nullptr, 0, nullptr, nullptr);
       }},
      {"IO-1: HttpReceiveHttpRequest would block",
       [](Hand& hand) {
         alignas(8) static char room[1024];
         Hand::api().ReceiveHttpRequest(hand.queue, HTTP_NULL_ID, 0, reinterpret_cast<HTTP_REQUEST*>(room), sizeof room, nullptr, nullptr);
       }},
      {"IO-1: HttpWaitForDisconnect with an OVERLAPPED that was not cleared",
       [](Hand& hand) {
         OVERLAPPED* overlapped = hand.overlapped();
         overlapped->Internal = 7;
         Hand::api().WaitForDisconnectEx(hand.queue, 99, 0, overlapped);
       }},
      {"IO-6: HttpWaitForDisconnect with an OVERLAPPED that is in use",
       [](Hand& hand) {
         OVERLAPPED* overlapped = hand.overlapped();
         Hand::api().WaitForDisconnect(hand.queue, instance().connectionOf(hand.request()), overlapped);
         Hand::api().WaitForDisconnect(hand.queue, instance().connectionOf(hand.request()), overlapped);
       }},
  });
}

TEST("the recording layer notices memory that changes before its call has ended") {
  char text[] = "hello";
  expectNotices({{"IO-6: memory of HttpSendHttpResponse changed", [&](Hand& hand) {
                    const HTTP_REQUEST_ID id = hand.request();
                    instance().script.send = End::kHeld;
                    hand.body(text);
                    hand.send(id);
                    text[0] = 'j';
                    instance().release();
                    hand.takePackets();
                  }}});
}

TEST("the recording layer notices cancellations and waits that break a rule") {
  expectNotices({
      {"GONE-5: no request is cancelled", [](Hand& hand) { Hand::api().CancelHttpRequest(hand.queue, HTTP_NULL_ID, nullptr); }},
      {"GONE-5: a cancellation that waits", [](Hand& hand) { Hand::api().CancelHttpRequest(hand.queue, hand.request(), hand.overlapped()); }},
      {"GONE-3",
       [](Hand& hand) {
         const HTTP_CONNECTION_ID connection = instance().connectionOf(hand.request());
         Hand::api().WaitForDisconnectEx(hand.queue, connection, 0, hand.overlapped());
         Hand::api().WaitForDisconnectEx(hand.queue, connection, 0, hand.overlapped());
       }},
  });
}

TEST("section 6.2: the recording layer notices questions for a certificate that break a rule") {
  static HTTP_SSL_CLIENT_CERT_INFO room[2];
  const auto ask = [](Hand& hand, HTTP_CONNECTION_ID id, ULONG flags, HTTP_SSL_CLIENT_CERT_INFO* buffer, ULONG bytes) {
    instance().script.results["ReceiveClientCertificate"] = {ERROR_NOT_FOUND};
    Hand::api().ReceiveClientCertificate(hand.queue, id, flags, buffer, bytes, nullptr, hand.overlapped());
  };
  expectNotices({
      {"CERTIFICATE: a token or a chain", [=](Hand& hand) { ask(hand, instance().connectionOf(hand.request()), 1, room, sizeof room); }},
      {"CERTIFICATE: no room", [=](Hand& hand) { ask(hand, instance().connectionOf(hand.request()), 0, nullptr, 0); }},
      {"CERTIFICATE: no room", [=](Hand& hand) { ask(hand, instance().connectionOf(hand.request()), 0, room, 8); }},
      {"CERTIFICATE: a client is asked", [=](Hand& hand) { ask(hand, 999, 0, room, sizeof room); }},
      {"CERTIFICATE: a client is asked",
       [=](Hand& hand) {
         kernel::RequestSpec spec;
         spec.flags = api::kRequestHttp2;
         ask(hand, instance().connectionOf(hand.request(spec)), 0, room, sizeof room);
       }},
  });
}

TEST("the recording layer notices fragments that are added against a rule") {
  expectNotices({
      {"FRAGMENT: a name", [](Hand& hand) { addFragment(hand, L"http://+:9/a", "x", 5); }},
      {"FRAGMENT: its bytes", [](Hand& hand) { addFragment(hand, L"http://+:8080/a", "", 5); }},
      {"FRAGMENT: a policy", [](Hand& hand) { addFragment(hand, L"http://+:8080/a", "x", 0); }},
  });
}

TEST("CACHE-33: the recording layer notices a flush beside the queue's prefixes: another scheme, host, port or path") {
  const auto other = [](const wchar_t* prefix, const wchar_t* url) {
    return Breach{"CACHE-33: a URL is flushed that is below no prefix", [=](Hand& hand) {
                    hand.addUrl(prefix);
                    (void)recorder::takeViolations();
                    flush(hand, url);
                  }};
  };
  expectNotices({
      {"CACHE-33: unknown flags", [](Hand& hand) { flush(hand, L"http://+:8080/", 2); }},
      other(L"http://shop:8080/a/", L"https://shop:8080/a/b"),
      other(L"http://shop:8080/a/", L"http://ship:8080/a/b"),
      other(L"http://shop:8080/a/", L"http://shop:8081/a/b"),
      other(L"http://shop:8080/a/", L"http://shop:8080/ab"),
      other(L"http://shop:8080/a/", L"http://shop:8080/"),
      other(L"http://shop:8080/a/", L"http://+:8080/a/b"),
      other(L"http://+:8080/", L"http://shop/"),
      other(L"http://+:8080/", L"/a"),
      other(L"http://+:8080/", L""),
  });
  Hand hand;
  hand.addUrl(L"http://shop:8080/a/");
  hand.addUrl(L"https://+:8443/");
  flush(hand, L"http://shop:8080/a/");
  flush(hand, L"http://SHOP:8080/A/b?c=d", api::kFlushRecursive);
  flush(hand, L"https://[::1]:8443/");
  for (const std::string& one : recorder::takeViolations()) check::failed(__FILE__, __LINE__, one);
}

TEST("section 3.6: the recording layer notices questions of a request that break a rule") {
  constexpr ULONG kBytes = sizeof(api::SniProperty);
  expectNotices({
      {"SEND-14: HttpQueryRequestProperty for a request", [](Hand& hand) { askProperty(hand, 99, api::kRequestPropertySni, 0, kBytes, nullptr); }},
      {"QUERY-PROPERTY: a property that the driver does not read",
       [](Hand& hand) { askProperty(hand, hand.request(), api::kRequestPropertyStreamError, 0, kBytes, nullptr); }},
      {"QUERY-PROPERTY: the name of the handshake has no qualifier",
       [](Hand& hand) { askProperty(hand, hand.request(), api::kRequestPropertySni, 8, kBytes, nullptr); }},
      {"QUERY-PROPERTY: the name of the handshake in another size",
       [](Hand& hand) { askProperty(hand, hand.request(), api::kRequestPropertySni, 0, kBytes - 4, nullptr); }},
      {"QUERY-PROPERTY: nobody waits",
       [](Hand& hand) { askProperty(hand, hand.request(), api::kRequestPropertySni, 0, kBytes, hand.overlapped()); }},
  });
}
