// The recording layer itself: it notices heads, bodies and cache policies that break a rule.
#include <utility>

#include "hand.h"

using namespace httpsys;
using kernel::End;
using kernel::instance;

namespace {

kernel::RequestSpec request(HTTP_VERB verb, ULONG flags = 0, USHORT minorVersion = 1) {
  kernel::RequestSpec spec;
  spec.verb = verb;
  spec.flags = flags;
  spec.minorVersion = minorVersion;
  return spec;
}

// A head that breaks a rule by itself.
Breach head(const char* notice, std::function<void(Hand&)> change, ULONG flags = 0, kernel::RequestSpec spec = {}) {
  return {notice, [=](Hand& hand) {
            const HTTP_REQUEST_ID id = hand.request(spec);
            change(hand);
            hand.send(id, flags);
          }};
}

// A body that breaks a rule behind a head that breaks none.
Breach body(const char* notice, std::function<void(Hand&)> change, ULONG flags = 0) {
  return {notice, [=](Hand& hand) {
            const HTTP_REQUEST_ID id = hand.request();
            hand.known(HttpHeaderContentLength, "5");
            hand.send(id, api::kSendMoreData);
            for (const std::string& early : recorder::takeViolations()) check::failed(__FILE__, __LINE__, "noticed too early: " + early);
            hand.begin();
            change(hand);
            hand.sendBody(id, flags);
          }};
}

// A whole response of chunks made by us.
Breach chunked(const char* notice, const char* bytes) {
  return head(notice, [=](Hand& hand) {
    hand.known(HttpHeaderTransferEncoding, "chunked");
    hand.body(bytes);
  });
}

Breach policy(const char* notice, HTTP_CACHE_POLICY policy, USHORT status = 200, ULONG flags = 0, const char* length = "") {
  return {notice, [=](Hand& hand) {
            const HTTP_REQUEST_ID id = hand.request();
            hand.begin(status);
            hand.known(HttpHeaderContentLength, length);
            HTTP_CACHE_POLICY one = policy;
            hand.send(id, flags, &one);
          }};
}

void emptyChunk(Hand& hand) {
  hand.body("x");
  hand.chunks.back().FromMemory.BufferLength = 0;
}

void foreignChunk(Hand& hand) {
  hand.body("x");
  hand.chunks.back().DataChunkType = HttpDataChunkFromFragmentCacheEx;
}

constexpr DWORD kShares = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
constexpr DWORD kFileFlags = FILE_FLAG_SEQUENTIAL_SCAN | FILE_FLAG_OVERLAPPED;

HANDLE openFile(DWORD access = GENERIC_READ, DWORD share = kShares, DWORD flags = kFileFlags) {
  instance().putFile("C:\\page", "body");
  return CreateFileW(L"C:\\page", access, share, nullptr, OPEN_EXISTING, flags, nullptr);
}

void fileChunk(Hand& hand, HANDLE file, ULONGLONG length = 4) {
  HTTP_DATA_CHUNK chunk{};
  chunk.DataChunkType = HttpDataChunkFromFileHandle;
  chunk.FromFileHandle.ByteRange.Length.QuadPart = length;
  chunk.FromFileHandle.FileHandle = file;
  hand.chunks.push_back(chunk);
}

// A response with a file that is open as it should be.
Breach file(const char* notice, std::function<void(Hand&)> change, ULONGLONG length = 4, kernel::RequestSpec spec = {}) {
  return {notice, [=](Hand& hand) {
            const HTTP_REQUEST_ID id = hand.request(spec);
            const HANDLE opened = openFile();
            change(hand);
            fileChunk(hand, opened, length);
            hand.send(id);
            CloseHandle(opened);
          }};
}

void fragmentChunk(Hand& hand, USHORT bytes = 2) {
  HTTP_DATA_CHUNK chunk{};
  chunk.DataChunkType = HttpDataChunkFromFragmentCache;
  chunk.FromFragmentCache.FragmentNameLength = bytes;
  chunk.FromFragmentCache.pFragmentName = L"ab";
  hand.chunks.push_back(chunk);
}

constexpr ULONG kMore = api::kSendMoreData;

}  // namespace

TEST("the recording layer notices heads that break a rule") {
  expectNotices({
      head("SEND-1", [](Hand& hand) { hand.begin(42); }),
      head("SEND-2: date", [](Hand& hand) { hand.unknown("Date", "now"); }),
      head("SEND-2: transfer-encoding", [](Hand& hand) { hand.unknown("Transfer-Encoding", "chunked"); }),
      head("SEND-2: the driver writes Date", [](Hand& hand) { hand.known(HttpHeaderDate, "now"); }),
      head("SEND-9: an interim status", [](Hand& hand) { hand.begin(103); }),
      head("SEND-13: the reason has", [](Hand& hand) { hand.response.pReason = "a\nb", hand.response.ReasonLength = 3; }),
      head("SEND-13: a header has", [](Hand& hand) { hand.known(HttpHeaderEtag, "a\rb"); }),
      head("SEND-13: a header has", [](Hand& hand) { hand.unknown("a", "b\nc"); }),
      head("SEND-13: an unknown header has no name", [](Hand& hand) { hand.unknown("", "b"); }),
      head("SEND-13: a header name has", [](Hand& hand) { hand.unknown("a b", "c"); }),
      head("SEND-13: a header name has", [](Hand& hand) { hand.unknown("a:", "c"); }),
      head("SEND-16: the trailer members", [](Hand& hand) { hand.response.Headers.TrailerCount = 1; }),
      head("SEND-12",
           [](Hand& hand) {
             static HTTP_MULTIPLE_KNOWN_HEADERS none{HttpHeaderWwwAuthenticate, 0, 0, nullptr};
             static HTTP_RESPONSE_INFO info{HttpResponseInfoTypeMultipleKnownHeaders, sizeof none, &none};
             hand.response.ResponseInfoCount = 1;
             hand.response.pResponseInfo = &info;
           }),
      head("SEND-FLAGS: unknown flags", [](Hand&) {}, 0x10000),
      head("SEND-FLAGS: DISCONNECT with MORE_DATA", [](Hand&) {}, api::kSendDisconnect | kMore),
      head("UP-3", [](Hand&) {}, api::kSendOpaque | kMore),
      head("UP-3", [](Hand& hand) { hand.begin(101); }, api::kSendOpaque),
      {"UP-2",
       [](Hand& hand) {
         kernel::RequestSpec spec;
         spec.bodyEnded = false;
         const HTTP_REQUEST_ID id = hand.request(spec);
         hand.begin(101);
         hand.send(id, api::kSendOpaque | kMore);
       }},
      {"SEND-FLAGS: a reserved parameter",
       [](Hand& hand) {
         const HTTP_REQUEST_ID id = hand.request();
         Hand::api().SendHttpResponse(hand.queue, id, 0, &hand.response, nullptr, nullptr, nullptr, 1, hand.overlapped(), nullptr);
       }},
  });
}

TEST("the recording layer notices framing that does not fit") {
  expectNotices({
      head("SEND-4: fewer bytes", [](Hand& hand) { hand.known(HttpHeaderContentLength, "5"); }),
      head("SEND-4: more bytes", [](Hand& hand) { hand.known(HttpHeaderContentLength, "5"), hand.body("hello!"); }),
      head("SEND-4: Content-Length as an unknown", [](Hand& hand) { hand.unknown("content-length", "0"); }),
      head("SEND-5: Transfer-Encoding with Content-Length",
           [](Hand& hand) { hand.known(HttpHeaderTransferEncoding, "chunked"), hand.known(HttpHeaderContentLength, "5"); }),
      chunked("SEND-5: a chunk is longer", "5\r\nhello!\r\n0\r\n\r\n"),
      chunked("SEND-5: a chunk size is malformed", "z\r\n\r\n"),
      chunked("SEND-5: the last chunk is missing", "5\r\nhello\r\n"),
      chunked("SEND-5: the trailer section does not end", "0\r\n"),
      {"SEND-5: nothing tells where the body ends",
       [](Hand& hand) {
         const HTTP_REQUEST_ID id = hand.request();
         hand.send(id, kMore);
         hand.body("hello");
         hand.sendBody(id);
       }},
      head("SEND-6: Transfer-Encoding on HTTP/2", [](Hand& hand) { hand.known(HttpHeaderTransferEncoding, "chunked"); }, 0,
           request(HttpVerbGET, api::kRequestHttp2)),
      head("SEND-6: Connection on HTTP/2", [](Hand& hand) { hand.known(HttpHeaderConnection, "close"); }, 0,
           request(HttpVerbGET, api::kRequestHttp2)),
      head("SEND-7", [](Hand& hand) { hand.known(HttpHeaderTransferEncoding, "chunked"); }, 0, request(HttpVerbGET, 0, 0)),
      head("SEND-8", [](Hand& hand) { hand.body("hello"); }, 0, request(HttpVerbHEAD)),
      head("SEND-9: a body where there is none", [](Hand& hand) { hand.begin(204), hand.body("hello"); }),
  });
}

TEST("the recording layer notices files that break a rule") {
  const auto opening = [](const char* notice, DWORD access, DWORD share, DWORD flags) {
    return Breach{notice, [=](Hand&) { CloseHandle(openFile(access, share, flags)); }};
  };
  expectNotices({
      opening("SEND-17: a file is opened for more", GENERIC_READ | 0x40000000u, kShares, kFileFlags),
      opening("SEND-17: a file is kept", GENERIC_READ, FILE_SHARE_READ, kFileFlags),
      opening("SEND-17: the flags", GENERIC_READ, kShares, 0),
      head("SEND-17: the file of a chunk is not open", [](Hand& hand) { fileChunk(hand, &hand); }),
      file("SEND-17: the length", [](Hand&) {}, HTTP_BYTE_RANGE_TO_EOF),
      file("SEND-17: a file in a body of chunks", [](Hand& hand) { hand.known(HttpHeaderTransferEncoding, "chunked"); }),
      file("SEND-9: a file", [](Hand& hand) { hand.begin(204); }),
      file("SEND-8: a file", [](Hand&) {}, 4, request(HttpVerbHEAD)),
      {"SEND-17: a file is closed before its send",
       [](Hand& hand) {
         instance().script.send = End::kHeld;
         const HTTP_REQUEST_ID id = hand.request();
         const HANDLE opened = openFile();
         fileChunk(hand, opened);
         hand.send(id);
         CloseHandle(opened);
       }},
  });
}

TEST("the recording layer notices fragments that break a rule") {
  expectNotices({
      head("SEND-18: the name", [](Hand& hand) { fragmentChunk(hand, 3); }),
      head("SEND-18: a fragment in a body of chunks", [](Hand& hand) { hand.known(HttpHeaderTransferEncoding, "chunked"), fragmentChunk(hand); }),
      head("SEND-9: a fragment", [](Hand& hand) { hand.begin(204), fragmentChunk(hand); }),
      head("SEND-8: a fragment", [](Hand& hand) { fragmentChunk(hand); }, 0, request(HttpVerbHEAD)),
  });
}

TEST("the recording layer notices chunks and trailers that break a rule") {
  expectNotices({
      head("SEND-19", emptyChunk),
      head("SEND-17", foreignChunk),
      head("SEND-16: trailers are not the last", [](Hand& hand) { hand.trailers("a", "b"), hand.body("x"); }, 0,
           request(HttpVerbGET, api::kRequestHttp2)),
      head("SEND-16: trailers are not the last", [](Hand& hand) { hand.trailers("a", "b"); }, kMore, request(HttpVerbGET, api::kRequestHttp2)),
      head("SEND-16: trailers before HTTP/2", [](Hand& hand) { hand.trailers("a", "b"); }),
      head("SEND-13: a trailer has", [](Hand& hand) { hand.trailers("a", "b\r\nc"); }, 0, request(HttpVerbGET, api::kRequestHttp2)),
      head("SEND-13: a header name has", [](Hand& hand) { hand.trailers("a\r\nb", "c"); }, 0, request(HttpVerbGET, api::kRequestHttp2)),
      head("SEND-CHUNKS: more than 100 chunks",
           [](Hand& hand) {
             for (int n = 0; n < 101; ++n) hand.body("x");
           }),
      head("SEND-CHUNKS: count and pointer",
           [](Hand& hand) {
             static HTTP_DATA_CHUNK none{};
             hand.response.pEntityChunks = &none;
           }),
      body("SEND-CHUNKS: more than 9999 chunks",
           [](Hand& hand) {
             for (int n = 0; n < 10000; ++n) hand.body("x");
           }),
      {"SEND-CHUNKS: count and pointer",
       [](Hand& hand) {
         const HTTP_REQUEST_ID id = hand.request();
         hand.known(HttpHeaderContentLength, "0");
         hand.send(id, kMore);
         HTTP_DATA_CHUNK none{};
         Hand::api().SendResponseEntityBody(hand.queue, id, 0, 0, &none, nullptr, nullptr, 0, hand.overlapped(), nullptr);
       }},
  });
}

TEST("the recording layer notices sends out of order") {
  expectNotices({
      {"SEND-14: HttpSendHttpResponse for a request that was not received", [](Hand& hand) { hand.send(99); }},
      {"SEND-14: HttpSendResponseEntityBody for a request that was not received", [](Hand& hand) { hand.sendBody(99); }},
      {"SEND-14: HttpSendHttpResponse for a request that was not received",
       [](Hand& hand) {
         const HTTP_REQUEST_ID id = hand.request();
         hand.send(id);
         hand.send(id);
       }},
      {"SEND-14: HttpSendHttpResponse twice",
       [](Hand& hand) {
         const HTTP_REQUEST_ID id = hand.request();
         hand.send(id, kMore);
         hand.send(id, kMore);
       }},
      {"SEND-14: a body behind the end",
       [](Hand& hand) {
         const HTTP_REQUEST_ID id = hand.request();
         instance().script.send = End::kHeld;
         hand.send(id);
         hand.sendBody(id);
       }},
      {"SEND-15", [](Hand& hand) { hand.sendBody(hand.request()); }},
      {"IO-7: HttpSendResponseEntityBody while another send",
       [](Hand& hand) {
         const HTTP_REQUEST_ID id = hand.request();
         instance().script.send = End::kHeld;
         hand.send(id, kMore);
         hand.sendBody(id);
       }},
      {"GONE-5: HttpSendHttpResponse of a request that was cancelled",
       [](Hand& hand) {
         const HTTP_REQUEST_ID id = hand.request();
         Hand::api().CancelHttpRequest(hand.queue, id, nullptr);
         hand.send(id);
       }},
      body("UP-3", [](Hand&) {}, api::kSendOpaque | kMore),
      {"SEND-FLAGS: a reserved parameter",
       [](Hand& hand) {
         const HTTP_REQUEST_ID id = hand.request();
         hand.known(HttpHeaderContentLength, "0");
         hand.send(id, kMore);
         Hand::api().SendResponseEntityBody(hand.queue, id, 0, 0, nullptr, nullptr, &hand, 0, hand.overlapped(), nullptr);
       }},
  });
}

TEST("the recording layer notices policies that break a rule") {
  expectNotices({
      policy("CACHE-1: a life of no seconds", {HttpCachePolicyTimeToLive, 0}),
      policy("CACHE-1: an unknown policy", {static_cast<HTTP_CACHE_POLICY_TYPE>(3), 0}),
      policy("CACHE-2", {HttpCachePolicyTimeToLive, 5}, 200, kMore),
      policy("CACHE-12", {HttpCachePolicyUserInvalidates, 0}, 304),
      policy("CACHE-12", {HttpCachePolicyUserInvalidates, 0}, 206),
      policy("CACHE-26", {HttpCachePolicyUserInvalidates, 0}, 200, 0, "0"),
      policy("CACHE-32", {HttpCachePolicyTimeToLive, 0x80000000}),
  });
}

TEST("the recording layer notices what the system's edition may not do") {
  const auto off = [](bool Capabilities::*which, const char* notice, std::function<void(Hand&)> call) {
    return Breach{notice, [=](Hand& hand) {
                    const bool before = std::exchange(recorder::capabilities()->*which, false);
                    call(hand);
                    recorder::capabilities()->*which = before;
                  }};
  };
  const auto wait = [](Hand& hand, auto* function) { function(hand.queue, instance().connectionOf(hand.request()), hand.overlapped()); };
  expectNotices({
      off(&Capabilities::shutdownQueue, "CAPABILITY: HttpShutdownRequestQueue", [](Hand& hand) { Hand::api().ShutdownRequestQueue(hand.queue); }),
      off(&Capabilities::cancelRequest, "CAPABILITY: HttpCancelHttpRequest",
          [](Hand& hand) { Hand::api().CancelHttpRequest(hand.queue, hand.request(), nullptr); }),
      off(&Capabilities::responseCache, "CAPABILITY: HttpFlushResponseCache",
          [](Hand& hand) { Hand::api().FlushResponseCache(hand.queue, L"http://+:80/", 0, hand.overlapped()); }),
      off(&Capabilities::requestProperties, "CAPABILITY: HttpQueryRequestProperty",
          [](Hand& hand) { Hand::api().QueryRequestProperty(hand.queue, 99, api::kRequestPropertySni, nullptr, 0, nullptr, 0, nullptr, nullptr); }),
      off(&Capabilities::waitForDisconnect, "CAPABILITY: HttpWaitForDisconnect", [=](Hand& hand) { wait(hand, Hand::api().WaitForDisconnect); }),
      off(&Capabilities::waitForDisconnectEx, "CAPABILITY: HttpWaitForDisconnect",
          [](Hand& hand) {
            Hand::api().WaitForDisconnectEx(hand.queue, instance().connectionOf(hand.request()), 0, hand.overlapped());
          }),
      off(&Capabilities::trailers, "CAPABILITY: a chunk of trailers", [](Hand& hand) { hand.trailers("a", "b"), hand.send(hand.request()); }),
      off(&Capabilities::fragments, "CAPABILITY: a chunk of a fragment", [](Hand& hand) { fragmentChunk(hand), hand.send(hand.request()); }),
      off(&Capabilities::fragments, "CAPABILITY: HttpAddFragmentToCache", [](Hand& hand) { addFragment(hand, L"http://+:80/a", "x", 5); }),
      off(&Capabilities::opaque, "CAPABILITY: OPAQUE",
          [](Hand& hand) { hand.begin(101), hand.send(hand.request(), api::kSendOpaque | kMore); }),
  });
}
