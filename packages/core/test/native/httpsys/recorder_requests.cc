// Requests, responses, connections and the cache: what is checked of each call before it goes on to the table that was there.
#include <algorithm>

#include "recorded.h"

namespace httpsys {
namespace recorder {

namespace {

constexpr ULONG kRequestStructureBytes = 848;
constexpr ULONG kBodyReadBytesMax = 0x20000;
constexpr size_t kReceivesMax = 1024;

ULONG WINAPI ReceiveHttpRequest(HANDLE handle, HTTP_REQUEST_ID id, ULONG flags, HTTP_REQUEST* buffer, ULONG bytes, ULONG* returned,
                                OVERLAPPED* overlapped) {
  {
    const Lock lock(all().mutex);
    usable("HttpReceiveHttpRequest");
    expect((flags & ~api::kReceiveCopyBody) == 0, "RECV-1", "unknown flags");
    expect(bytes >= kRequestStructureBytes, "RECV-2", "a buffer below the structure's size");
    expect(reinterpret_cast<uintptr_t>(buffer) % 8 == 0, "RECV-2", "a buffer that is not aligned to eight bytes");
    if (Queue* queue = queueOf(handle, "HttpReceiveHttpRequest")) {
      expect(!queue->controller, "QUEUE-6", "a controller's handle is asked for requests");
      expect(id != 0 || !queue->shutdown, "SHUT-1", "a queue that was shut down is asked for its next request");
      if (id != 0) {
        const auto found = queue->requests.find(id);
        const bool owed = found != queue->requests.end() && found->second.owed;
        expect(owed, "RECV-4", "a request is received by an id that was not handed over with ERROR_MORE_DATA");
        if (owed) {
          expect(bytes >= found->second.needed, "RECV-3", "the second buffer is smaller than what the first receive asked for");
          found->second.owed = false;
        }
      }
    }
    size_t receives = 1;
    for (const auto& call : all().pending) receives += call.second.kind == Call::kReceive && call.second.queue == handle ? 1 : 0;
    expect(receives <= kReceivesMax, "RECV-5", "too many receives");
    Call call;
    call.kind = Call::kReceive;
    call.name = "HttpReceiveHttpRequest";
    call.queue = handle;
    call.id = id;
    call.buffer = buffer;
    call.bytes = bytes;
    begin(overlapped, std::move(call));
  }
  ULONG count = 0;
  const ULONG code = next().ReceiveHttpRequest(handle, id, flags, buffer, bytes, &count, overlapped);
  if (returned != nullptr) *returned = count;
  return after(overlapped, handle, code, count);
}

ULONG WINAPI ReceiveRequestEntityBody(HANDLE handle, HTTP_REQUEST_ID id, ULONG flags, PVOID buffer, ULONG bytes, ULONG* returned,
                                      OVERLAPPED* overlapped) {
  {
    const Lock lock(all().mutex);
    usable("HttpReceiveRequestEntityBody");
    expect(flags <= 1, "BODY-1", "unknown flags");
    expect(bytes > 0 && bytes <= kBodyReadBytesMax, "BODY-4", "a read of " + std::to_string(bytes) + " bytes");
    Queue* queue = queueOf(handle, "HttpReceiveRequestEntityBody");
    if (RecordedRequest* request = queue == nullptr ? nullptr : requestOf(queue, id, "HttpReceiveRequestEntityBody")) {
      expect(!request->reading, "IO-7", "a second read while one is under way");
      expect(request->opaque || request->moreBody, "BODY-2", "a body is read that the request has not");
      expect(!request->bodyOver, "BODY-2", "a body is read behind its end");
      expect(request->opaque || !request->complete, "BODY-3", "a body is read behind the end of the response");
      expect(!request->cancelled, "GONE-5", "a body is read of a request that was cancelled");
      request->reading = true;
    }
    Call call;
    call.kind = Call::kRead;
    call.name = "HttpReceiveRequestEntityBody";
    call.queue = handle;
    call.id = id;
    begin(overlapped, std::move(call));
  }
  ULONG count = 0;
  const ULONG code = next().ReceiveRequestEntityBody(handle, id, flags, buffer, bytes, &count, overlapped);
  if (returned != nullptr) *returned = count;
  return after(overlapped, handle, code, count);
}

Call sendCall(const char* name, HANDLE handle, HTTP_REQUEST_ID id) {
  Call call;
  call.kind = Call::kSend;
  call.name = name;
  call.queue = handle;
  call.id = id;
  return call;
}

void beginSend(RecordedRequest* request, OVERLAPPED* overlapped, const char* name) {
  expect(request->sending == nullptr, "IO-7", std::string(name) + " while another send of the request is under way");
  expect(!request->cancelled, "GONE-5", std::string(name) + " of a request that was cancelled");
  request->sending = overlapped;
}

std::set<HANDLE> filesOf(USHORT count, const HTTP_DATA_CHUNK* chunks) {
  std::set<HANDLE> files;
  for (USHORT n = 0; n < count; ++n) {
    if (chunks[n].DataChunkType == HttpDataChunkFromFileHandle) files.insert(chunks[n].FromFileHandle.FileHandle);
  }
  return files;
}

ULONG WINAPI SendHttpResponse(HANDLE handle, HTTP_REQUEST_ID id, ULONG flags, HTTP_RESPONSE* response, HTTP_CACHE_POLICY* policy, ULONG* sent,
                              PVOID reserved, ULONG reserved2, OVERLAPPED* overlapped, HTTP_LOG_DATA* log) {
  {
    const Lock lock(all().mutex);
    usable("HttpSendHttpResponse");
    expect(reserved == nullptr && reserved2 == 0, "SEND-FLAGS", "a reserved parameter");
    Call call = sendCall("HttpSendHttpResponse", handle, id);
    Queue* queue = queueOf(handle, call.name);
    if (RecordedRequest* request = queue == nullptr ? nullptr : requestOf(queue, id, call.name)) {
      beginSend(request, overlapped, call.name);
      checkHead(request, flags, *response, policy, &call.ranges);
      call.files = filesOf(response->EntityChunkCount, response->pEntityChunks);
      if (request->opaque) expect(!request->moreBody, "UP-2", "an upgrade of a request with a body");
    }
    begin(overlapped, std::move(call));
  }
  ULONG count = 0;
  const ULONG code = next().SendHttpResponse(handle, id, flags, response, policy, &count, reserved, reserved2, overlapped, log);
  if (sent != nullptr) *sent = count;
  return after(overlapped, handle, code, count);
}

ULONG WINAPI SendResponseEntityBody(HANDLE handle, HTTP_REQUEST_ID id, ULONG flags, USHORT chunkCount, HTTP_DATA_CHUNK* chunks, ULONG* sent,
                                    PVOID reserved, ULONG reserved2, OVERLAPPED* overlapped, HTTP_LOG_DATA* log) {
  {
    const Lock lock(all().mutex);
    usable("HttpSendResponseEntityBody");
    expect(reserved == nullptr && reserved2 == 0, "SEND-FLAGS", "a reserved parameter");
    Call call = sendCall("HttpSendResponseEntityBody", handle, id);
    Queue* queue = queueOf(handle, call.name);
    if (RecordedRequest* request = queue == nullptr ? nullptr : requestOf(queue, id, call.name)) {
      beginSend(request, overlapped, call.name);
      checkBody(request, flags, chunkCount, chunks, &call.ranges);
      call.files = filesOf(chunkCount, chunks);
    }
    begin(overlapped, std::move(call));
  }
  ULONG count = 0;
  const ULONG code = next().SendResponseEntityBody(handle, id, flags, chunkCount, chunks, &count, reserved, reserved2, overlapped, log);
  if (sent != nullptr) *sent = count;
  return after(overlapped, handle, code, count);
}

ULONG WINAPI CancelHttpRequest(HANDLE handle, HTTP_REQUEST_ID id, OVERLAPPED* overlapped) {
  {
    const Lock lock(all().mutex);
    usable("HttpCancelHttpRequest");
    allowed(&Capabilities::cancelRequest, "HttpCancelHttpRequest");
    expect(id != 0, "GONE-5", "no request is cancelled");
    expect(overlapped == nullptr, "GONE-5", "a cancellation that waits");
    if (Queue* queue = queueOf(handle, "HttpCancelHttpRequest")) {
      const auto found = queue->requests.find(id);
      if (found != queue->requests.end()) found->second.cancelled = true;
    }
  }
  return next().CancelHttpRequest(handle, id, overlapped);
}

void beginWait(HANDLE handle, HTTP_CONNECTION_ID id, OVERLAPPED* overlapped, bool Capabilities::*which) {
  const Lock lock(all().mutex);
  usable("HttpWaitForDisconnect");
  allowed(which, "HttpWaitForDisconnect");
  if (Queue* queue = queueOf(handle, "HttpWaitForDisconnect")) {
    expect(queue->waits.insert(id).second, "GONE-3", "a second wait for the end of one connection");
  }
  Call call;
  call.kind = Call::kWait;
  call.name = "HttpWaitForDisconnect";
  call.queue = handle;
  call.id = id;
  begin(overlapped, std::move(call));
}

ULONG WINAPI WaitForDisconnect(HANDLE handle, HTTP_CONNECTION_ID id, OVERLAPPED* overlapped) {
  beginWait(handle, id, overlapped, &Capabilities::waitForDisconnect);
  return after(overlapped, handle, next().WaitForDisconnect(handle, id, overlapped), 0);
}

ULONG WINAPI WaitForDisconnectEx(HANDLE handle, HTTP_CONNECTION_ID id, ULONG reserved, OVERLAPPED* overlapped) {
  beginWait(handle, id, overlapped, &Capabilities::waitForDisconnectEx);
  return after(overlapped, handle, next().WaitForDisconnectEx(handle, id, reserved, overlapped), 0);
}

ULONG WINAPI ReceiveClientCertificate(HANDLE handle, HTTP_CONNECTION_ID id, ULONG flags, HTTP_SSL_CLIENT_CERT_INFO* buffer, ULONG bytes,
                                      ULONG* returned, OVERLAPPED* overlapped) {
  {
    const Lock lock(all().mutex);
    usable("HttpReceiveClientCertificate");
    allowed(&Capabilities::clientCertificate, "HttpReceiveClientCertificate");
    expect(flags == 0, "CERTIFICATE", "a token or a chain that the driver does not read");
    expect(buffer != nullptr && bytes >= sizeof *buffer, "CERTIFICATE", "no room for a certificate");
    bool unanswered = false;
    if (Queue* queue = queueOf(handle, "HttpReceiveClientCertificate")) {
      for (const auto& one : queue->requests) {
        unanswered = unanswered || (one.second.connection == id && !one.second.headSent && !one.second.http2);
      }
    }
    expect(unanswered, "CERTIFICATE", "a client is asked that has no unanswered request of HTTP/1.1");
    Call call;
    call.name = "HttpReceiveClientCertificate";
    call.queue = handle;
    call.id = id;
    begin(overlapped, std::move(call));
  }
  ULONG count = 0;
  const ULONG code = next().ReceiveClientCertificate(handle, id, flags, buffer, bytes, &count, overlapped);
  if (returned != nullptr) *returned = count;
  return after(overlapped, handle, code, count);
}

struct UrlParts {
  std::u16string scheme, host, port, path;
};

UrlParts partsOf(const std::u16string& url) {
  std::u16string lower = url;
  for (char16_t& c : lower) c = static_cast<char16_t>(c >= u'A' && c <= u'Z' ? c + 32 : c);
  const size_t host = std::min(lower.find(u"://"), lower.size() - std::min<size_t>(lower.size(), 3)) + 3;
  const size_t path = std::min(lower.find(u'/', std::min(host, lower.size())), lower.size());
  const size_t colon = lower.rfind(u':', path);
  if (host > path || colon == std::u16string::npos || colon < host) return {lower, u"", u"", u""};
  return {lower.substr(0, host), lower.substr(host, colon - host), lower.substr(colon, path - colon), lower.substr(path)};
}

// The same scheme and port, a host that the prefix matches, and its path, case aside.
bool isBelow(const std::u16string& url, const std::u16string& prefix) {
  const UrlParts one = partsOf(url), registered = partsOf(prefix);
  const bool anyHost = registered.host == u"+" || registered.host == u"*";
  return one.scheme == registered.scheme && one.port == registered.port && (anyHost || one.host == registered.host) &&
         one.path.compare(0, registered.path.size(), registered.path) == 0;
}

// Whoever has opened a queue by its name has no URLs; its creator has.
bool ownsUrl(HANDLE handle, const Queue* queue, const std::u16string& url) {
  if (queue != nullptr && queue->attached) return true;
  for (const auto& group : all().groups) {
    for (const std::u16string& prefix : group.second.urls) {
      if (group.second.queue == handle && isBelow(url, prefix)) return true;
    }
  }
  return false;
}

// Section 5.5.
ULONG WINAPI AddFragmentToCache(HANDLE handle, PCWSTR name, HTTP_DATA_CHUNK* chunk, HTTP_CACHE_POLICY* policy, OVERLAPPED* overlapped) {
  {
    const Lock lock(all().mutex);
    usable("HttpAddFragmentToCache");
    allowed(&Capabilities::fragments, "HttpAddFragmentToCache");
    const std::u16string wanted = text(name);
    expect(ownsUrl(handle, queueOf(handle, "HttpAddFragmentToCache"), wanted), "FRAGMENT", "a name that is below no prefix of the queue");
    const bool memory = chunk->DataChunkType == HttpDataChunkFromMemory;
    expect(memory && chunk->FromMemory.BufferLength > 0 && chunk->FromMemory.pBuffer != nullptr, "FRAGMENT", "its bytes are not in memory");
    const bool timed = policy->Policy == HttpCachePolicyTimeToLive && policy->SecondsToLive > 0 && policy->SecondsToLive <= 0x7fffffff;
    expect(timed || policy->Policy == HttpCachePolicyUserInvalidates, "FRAGMENT", "a policy that keeps nothing");
    Call call;
    call.name = "HttpAddFragmentToCache";
    call.queue = handle;
    call.ranges.emplace_back(name, (wanted.size() + 1) * sizeof(WCHAR));
    call.ranges.emplace_back(chunk, sizeof *chunk);
    call.ranges.emplace_back(policy, sizeof *policy);
    if (memory) call.ranges.emplace_back(chunk->FromMemory.pBuffer, chunk->FromMemory.BufferLength);
    begin(overlapped, std::move(call));
  }
  return after(overlapped, handle, next().AddFragmentToCache(handle, name, chunk, policy, overlapped), 0);
}

ULONG WINAPI FlushResponseCache(HANDLE handle, PCWSTR url, ULONG flags, OVERLAPPED* overlapped) {
  {
    const Lock lock(all().mutex);
    usable("HttpFlushResponseCache");
    allowed(&Capabilities::responseCache, "HttpFlushResponseCache");
    expect(flags <= api::kFlushRecursive, "CACHE-33", "unknown flags");
    const std::u16string wanted = text(url);
    expect(ownsUrl(handle, queueOf(handle, "HttpFlushResponseCache"), wanted), "CACHE-33", "a URL is flushed that is below no prefix of the queue");
    Call call;
    call.name = "HttpFlushResponseCache";
    call.queue = handle;
    call.ranges.emplace_back(url, (wanted.size() + 1) * sizeof(WCHAR));
    begin(overlapped, std::move(call));
  }
  return after(overlapped, handle, next().FlushResponseCache(handle, url, flags, overlapped), 0);
}

// Asked for the client's name for the server only, which the system has at hand: the one call of the driver that waits.
ULONG WINAPI QueryRequestProperty(HANDLE handle, HTTP_REQUEST_ID id, api::RequestProperty property, PVOID qualifier, ULONG qualifierBytes, PVOID value,
                                  ULONG bytes, ULONG* returned, OVERLAPPED* overlapped) {
  {
    const Lock lock(all().mutex);
    usable("HttpQueryRequestProperty");
    allowed(&Capabilities::requestProperties, "HttpQueryRequestProperty");
    Queue* queue = queueOf(handle, "HttpQueryRequestProperty");
    if (queue != nullptr) requestOf(queue, id, "HttpQueryRequestProperty");
    expect(property == api::kRequestPropertySni, "QUERY-PROPERTY", "a property that the driver does not read");
    expect(qualifier == nullptr && qualifierBytes == 0, "QUERY-PROPERTY", "the name of the handshake has no qualifier");
    expect(value != nullptr && bytes == sizeof(api::SniProperty), "QUERY-PROPERTY", "the name of the handshake in another size");
    expect(overlapped == nullptr, "QUERY-PROPERTY", "nobody waits for its packet");
  }
  return next().QueryRequestProperty(handle, id, property, qualifier, qualifierBytes, value, bytes, returned, overlapped);
}

}  // namespace

void wrapRequests(HttpFunctions* table) {
#define WRAP(name) \
  if (table->name != nullptr) table->name = name
  WRAP(ReceiveHttpRequest);
  WRAP(ReceiveRequestEntityBody);
  WRAP(SendHttpResponse);
  WRAP(SendResponseEntityBody);
  WRAP(CancelHttpRequest);
  WRAP(WaitForDisconnect);
  WRAP(WaitForDisconnectEx);
  WRAP(FlushResponseCache);
  WRAP(AddFragmentToCache);
  WRAP(ReceiveClientCertificate);
  WRAP(QueryRequestProperty);
#undef WRAP
}

}  // namespace recorder
}  // namespace httpsys
