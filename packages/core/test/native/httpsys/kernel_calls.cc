// The entry points of httpapi.dll, as the driver finds them by GetProcAddress.
#include <algorithm>
#include <cstring>

#include "common/status_codes.h"
#include "httpsys/http_functions.h"
#include "kernel_state.h"

namespace kernel {

namespace {

// Instead of a call without an OVERLAPPED that has nothing to end with yet: tests should fail, not hang.
constexpr ULONG kBlocksForGood = ERROR_INVALID_PARAMETER;

std::u16string text(PCWSTR value) {
  std::u16string out;
  for (; value != nullptr && *value != 0; ++value) out += static_cast<char16_t>(*value);
  return out;
}

// Counts the call; a scripted result other than 0 ends it there.
ULONG scripted(const char* name) {
  State& s = state();
  ++s.calls[name];
  auto& results = instance().script.results[name];
  if (results.empty()) return NO_ERROR;
  const ULONG code = results.front();
  results.pop_front();
  return code;
}

#define BEGIN(name)                                 \
  State& s = state();                               \
  const std::lock_guard<std::mutex> lock(s.mutex);  \
  if (const ULONG code = scripted(name)) return code

ULONG WINAPI Initialize(HTTPAPI_VERSION, ULONG, PVOID) {
  BEGIN("Initialize");
  ++s.initialized;
  return NO_ERROR;
}

ULONG WINAPI Terminate(ULONG, PVOID) {
  BEGIN("Terminate");
  --s.initialized;
  return NO_ERROR;
}

ULONG WINAPI CreateServerSession(HTTPAPI_VERSION, HTTP_SERVER_SESSION_ID* id, ULONG) {
  BEGIN("CreateServerSession");
  s.sessions.insert(*id = ++s.lastId);
  return NO_ERROR;
}

// LIFE-4: its groups go with it.
ULONG WINAPI CloseServerSession(HTTP_SERVER_SESSION_ID id) {
  BEGIN("CloseServerSession");
  if (s.sessions.erase(id) == 0) return ERROR_INVALID_PARAMETER;
  for (auto it = s.groups.begin(); it != s.groups.end();) it = it->second.session == id ? s.groups.erase(it) : std::next(it);
  return NO_ERROR;
}

ULONG WINAPI SetServerSessionProperty(HTTP_SERVER_SESSION_ID, HTTP_SERVER_PROPERTY, PVOID, ULONG) {
  BEGIN("SetServerSessionProperty");
  return NO_ERROR;
}

ULONG WINAPI CreateUrlGroup(HTTP_SERVER_SESSION_ID session, HTTP_URL_GROUP_ID* id, ULONG) {
  BEGIN("CreateUrlGroup");
  if (s.sessions.count(session) == 0) return ERROR_INVALID_PARAMETER;
  *id = ++s.lastId;
  s.groups[*id].session = session;
  return NO_ERROR;
}

ULONG WINAPI CloseUrlGroup(HTTP_URL_GROUP_ID id) {
  BEGIN("CloseUrlGroup");
  return s.groups.erase(id) == 0 ? ERROR_INVALID_PARAMETER : NO_ERROR;
}

ULONG WINAPI SetUrlGroupProperty(HTTP_URL_GROUP_ID id, HTTP_SERVER_PROPERTY property, PVOID value, ULONG bytes) {
  BEGIN("SetUrlGroupProperty");
  if (s.groups.count(id) == 0) return ERROR_INVALID_PARAMETER;
  if (property == HttpServerBindingProperty) s.groups[id].queue = s.queueOf(static_cast<HTTP_BINDING_INFO*>(value)->RequestQueueHandle);
  s.properties[property].assign(static_cast<char*>(value), bytes);
  return NO_ERROR;
}

ULONG WINAPI AddUrlToUrlGroup(HTTP_URL_GROUP_ID id, PCWSTR url, HTTP_URL_CONTEXT, ULONG) {
  BEGIN("AddUrlToUrlGroup");
  if (s.groups.count(id) == 0) return ERROR_INVALID_PARAMETER;
  for (const auto& group : s.groups) {
    if (group.second.urls.count(text(url)) > 0) return ERROR_ALREADY_EXISTS;
  }
  s.groups[id].urls.insert(text(url));
  return NO_ERROR;
}

ULONG WINAPI RemoveUrlFromUrlGroup(HTTP_URL_GROUP_ID id, PCWSTR url, ULONG) {
  BEGIN("RemoveUrlFromUrlGroup");
  const auto group = s.groups.find(id);
  if (group == s.groups.end()) return ERROR_INVALID_PARAMETER;
  return group->second.urls.erase(text(url)) == 0 ? ERROR_FILE_NOT_FOUND : NO_ERROR;
}

ULONG WINAPI CreateRequestQueue(HTTPAPI_VERSION, PCWSTR name, SECURITY_ATTRIBUTES* security, ULONG, HANDLE* handle) {
  BEGIN("CreateRequestQueue");
  s.queues.push_back(std::make_unique<Queue>());
  s.queues.back()->name = text(name);
  if (security != nullptr && security->lpSecurityDescriptor != nullptr) s.queues.back()->security = static_cast<const char*>(security->lpSecurityDescriptor);
  *handle = s.queues.back().get();
  return NO_ERROR;
}

// SHUT-5, SHUT-6.
ULONG WINAPI CloseRequestQueue(HANDLE handle) {
  BEGIN("CloseRequestQueue");
  Queue* queue = s.queueOf(handle);
  if (queue == nullptr) return ERROR_INVALID_HANDLE;
  s.cancelWhere(queue, ERROR_OPERATION_ABORTED, [](const Pending&, uint64_t) { return true; }, 0);
  queue->closed = true;
  for (auto& entry : s.requests) {
    if (entry.second.taken && !entry.second.answer.complete) entry.second.answer.abandoned = entry.second.gone = true;
  }
  return NO_ERROR;
}

// SHUT-1 to SHUT-3.
ULONG WINAPI ShutdownRequestQueue(HANDLE handle) {
  BEGIN("ShutdownRequestQueue");
  Queue* queue = s.queueOf(handle);
  if (queue == nullptr) return ERROR_INVALID_HANDLE;
  queue->shutdown = true;
  s.cancelWhere(queue, ERROR_OPERATION_ABORTED,
                [](const Pending& one, uint64_t) { return one.name == "ReceiveHttpRequest" || one.connection != 0; }, 0);
  return NO_ERROR;
}

ULONG WINAPI SetRequestQueueProperty(HANDLE handle, HTTP_SERVER_PROPERTY property, PVOID value, ULONG bytes, ULONG, PVOID) {
  BEGIN("SetRequestQueueProperty");
  if (s.queueOf(handle) == nullptr) return ERROR_INVALID_HANDLE;
  s.properties[property].assign(static_cast<char*>(value), bytes);
  return NO_ERROR;
}

// IO-1: a call without an OVERLAPPED waits for its end itself.
ULONG endAs(State* s, Queue* queue, End end, const char* name, uint64_t request, OVERLAPPED* overlapped, ULONG code, ULONG bytes, ULONG* returned) {
  // IO-5: for whoever looks at it although the call is pending.
  if (returned != nullptr) *returned = 0xdddddddd;
  if (end == End::kHeld && overlapped != nullptr) {
    Pending held;
    held.name = name;
    held.overlapped = overlapped;
    held.request = request;
    held.result = code;
    held.count = bytes;
    queue->pending.push_back(held);
    return ERROR_IO_PENDING;
  }
  if (end == End::kPacket && overlapped != nullptr) {
    s->post(queue, overlapped, code, bytes);
    return ERROR_IO_PENDING;
  }
  if (returned != nullptr) *returned = bytes;
  // IO-2, IO-3: success at once posts a packet unless that was switched off; a failure at once posts none.
  if (code == NO_ERROR && !queue->skips && overlapped != nullptr) s->post(queue, overlapped, code, bytes);
  return code;
}

ULONG WINAPI ReceiveHttpRequest(HANDLE handle, HTTP_REQUEST_ID id, ULONG flags, HTTP_REQUEST* buffer, ULONG bytes, ULONG* returned,
                                OVERLAPPED* overlapped) {
  BEGIN("ReceiveHttpRequest");
  Queue* queue = s.queueOf(handle);
  if (queue == nullptr) return ERROR_INVALID_HANDLE;
  auto* const at = reinterpret_cast<uint8_t*>(buffer);
  std::memset(at, 0xdd, bytes);
  Request* request = nullptr;
  if (id != 0) {
    const auto found = s.requests.find(id);
    if (found == s.requests.end() || found->second.gone) return ERROR_CONNECTION_INVALID;
    request = &found->second;
    if (request->delivered) return ERROR_HANDLE_EOF;
  } else if (!queue->shutdown) {
    for (auto& entry : s.requests) {
      if (!entry.second.taken && !entry.second.gone) {
        request = &entry.second;
        break;
      }
    }
  }
  if (request == nullptr) {
    if (overlapped == nullptr) return kBlocksForGood;
    Pending receive;
    receive.name = "ReceiveHttpRequest";
    receive.overlapped = overlapped;
    receive.buffer = at;
    receive.bytes = bytes;
    if (returned != nullptr) *returned = 0xdddddddd;
    queue->pending.push_back(receive);
    return ERROR_IO_PENDING;
  }
  ULONG count = 0;
  const ULONG code = writeRequest(request, at, bytes, &count, (flags & 1) != 0);
  const ULONG result = endAs(&s, queue, instance().script.receive, "ReceiveHttpRequest", request->id, overlapped, code, count, returned);
  if (result == ERROR_MORE_DATA && instance().script.packetAfterMoreData) s.post(queue, overlapped, code, count);
  return result;
}

ULONG WINAPI ReceiveRequestEntityBody(HANDLE handle, HTTP_REQUEST_ID id, ULONG, PVOID buffer, ULONG bytes, ULONG* returned, OVERLAPPED* overlapped) {
  BEGIN("ReceiveRequestEntityBody");
  Queue* queue = s.queueOf(handle);
  const auto found = s.requests.find(id);
  if (queue == nullptr) return ERROR_INVALID_HANDLE;
  if (found == s.requests.end() || found->second.gone || found->second.answer.complete) return ERROR_CONNECTION_INVALID;
  Request& request = found->second;
  if (request.spec.body.empty() && request.spec.bodyEnded && request.bodyError == 0) return ERROR_HANDLE_EOF;
  if (overlapped == nullptr) return kBlocksForGood;
  Pending read;
  read.name = "ReceiveRequestEntityBody";
  read.overlapped = overlapped;
  read.request = id;
  read.buffer = static_cast<uint8_t*>(buffer);
  read.bytes = bytes;
  if (instance().script.read == End::kAtOnce && !request.spec.body.empty()) {
    const size_t count = std::min<size_t>(bytes, request.spec.body.size());
    std::memcpy(buffer, request.spec.body.data(), count);
    request.spec.body.erase(0, count);
    return endAs(&s, queue, End::kAtOnce, "", id, overlapped, NO_ERROR, static_cast<ULONG>(count), returned);
  }
  if (returned != nullptr) *returned = 0xdddddddd;
  queue->pending.push_back(read);
  if (instance().script.read != End::kHeld) s.pumpReads(&request);
  return ERROR_IO_PENDING;
}

std::u16string fragmentName(const HTTP_DATA_CHUNK& chunk) {
  const size_t units = chunk.FromFragmentCache.FragmentNameLength / sizeof(char16_t);
  return std::u16string(reinterpret_cast<const char16_t*>(chunk.FromFragmentCache.pFragmentName), units);
}

// SEND-17, SEND-18: what is wrong with the files and fragments among the chunks.
ULONG sourceFault(State* s, USHORT count, const HTTP_DATA_CHUNK* chunks) {
  for (USHORT n = 0; n < count; ++n) {
    if (chunks[n].DataChunkType == HttpDataChunkFromFragmentCache && s->fragments.count(fragmentName(chunks[n])) == 0) return ERROR_PATH_NOT_FOUND;
    if (chunks[n].DataChunkType != HttpDataChunkFromFileHandle) continue;
    const auto found = s->files.find(chunks[n].FromFileHandle.FileHandle);
    if (found == s->files.end()) return ERROR_INVALID_HANDLE;
    const HTTP_BYTE_RANGE& range = chunks[n].FromFileHandle.ByteRange;
    if (range.StartingOffset.QuadPart + range.Length.QuadPart > s->disk[found->second].size()) return ERROR_HANDLE_EOF;
  }
  return NO_ERROR;
}

void takeChunks(State* s, Answer* answer, USHORT count, const HTTP_DATA_CHUNK* chunks) {
  for (USHORT n = 0; n < count; ++n) {
    if (chunks[n].DataChunkType == HttpDataChunkFromFragmentCache) {
      answer->bytes += s->fragments[fragmentName(chunks[n])];
    } else if (chunks[n].DataChunkType == HttpDataChunkFromFileHandle) {
      const HTTP_BYTE_RANGE& range = chunks[n].FromFileHandle.ByteRange;
      answer->bytes += s->disk[s->files[chunks[n].FromFileHandle.FileHandle]].substr(range.StartingOffset.QuadPart, range.Length.QuadPart);
    } else if (chunks[n].DataChunkType == HttpDataChunkFromMemory) {
      answer->bytes.append(static_cast<const char*>(chunks[n].FromMemory.pBuffer), chunks[n].FromMemory.BufferLength);
    } else if (chunks[n].DataChunkType == httpsys::api::kChunkTrailers) {
      httpsys::api::TrailersChunk trailers;
      std::memcpy(&trailers, &chunks[n], sizeof trailers);
      for (USHORT t = 0; t < trailers.count; ++t) {
        const HTTP_UNKNOWN_HEADER& one = trailers.trailers[t];
        answer->fields.emplace_back("trailer " + std::string(one.pName, one.NameLength), std::string(one.pRawValue, one.RawValueLength));
      }
    }
  }
}

void takeFlags(Answer* answer, ULONG flags) {
  answer->flags.push_back(flags);
  ++answer->sends;
  answer->disconnects = answer->disconnects || (flags & 1) != 0;
  answer->complete = (flags & 2) == 0;
  answer->opaque = answer->opaque || (flags & 0x40) != 0;
}

constexpr const char* kResponseNames[] = {
    "Cache-Control",    "Connection",       "Date",          "Keep-Alive",          "Pragma",      "Trailer",     "Transfer-Encoding", "Upgrade",
    "Via",              "Warning",          "Allow",         "Content-Length",      "Content-Type", "Content-Encoding", "Content-Language", "Content-Location",
    "Content-MD5",      "Content-Range",    "Expires",       "Last-Modified",       "Accept-Ranges", "Age",        "ETag",              "Location",
    "Proxy-Authenticate", "Retry-After",    "Server",        "Set-Cookie",          "Vary",        "WWW-Authenticate",
};

ULONG WINAPI SendHttpResponse(HANDLE handle, HTTP_REQUEST_ID id, ULONG flags, HTTP_RESPONSE* response, HTTP_CACHE_POLICY* policy, ULONG* sent,
                              PVOID, ULONG, OVERLAPPED* overlapped, HTTP_LOG_DATA*) {
  BEGIN("SendHttpResponse");
  Queue* queue = s.queueOf(handle);
  const auto found = s.requests.find(id);
  if (queue == nullptr) return ERROR_INVALID_HANDLE;
  if (found == s.requests.end() || found->second.gone || found->second.answer.complete) return ERROR_CONNECTION_INVALID;
  const ULONG fault = sourceFault(&s, response->EntityChunkCount, response->pEntityChunks);
  if (fault != NO_ERROR) return endAs(&s, queue, instance().script.send, "SendHttpResponse", id, overlapped, fault, 0, sent);
  Answer& answer = found->second.answer;
  answer.status = response->StatusCode;
  answer.reason.assign(response->pReason, response->ReasonLength);
  for (int n = 0; n < HttpHeaderResponseMaximum; ++n) {
    const HTTP_KNOWN_HEADER& known = response->Headers.KnownHeaders[n];
    if (known.RawValueLength > 0) answer.fields.emplace_back(kResponseNames[n], std::string(known.pRawValue, known.RawValueLength));
  }
  for (USHORT n = 0; n < response->Headers.UnknownHeaderCount; ++n) {
    const HTTP_UNKNOWN_HEADER& one = response->Headers.pUnknownHeaders[n];
    answer.fields.emplace_back(std::string(one.pName, one.NameLength), std::string(one.pRawValue, one.RawValueLength));
  }
  for (USHORT n = 0; n < response->ResponseInfoCount; ++n) {
    if (response->pResponseInfo[n].Type != HttpResponseInfoTypeMultipleKnownHeaders) continue;
    const auto* multiple = static_cast<const HTTP_MULTIPLE_KNOWN_HEADERS*>(response->pResponseInfo[n].pInfo);
    for (USHORT v = 0; v < multiple->KnownHeaderCount; ++v) {
      answer.fields.emplace_back(kResponseNames[multiple->HeaderId],
                                 std::string(multiple->KnownHeaders[v].pRawValue, multiple->KnownHeaders[v].RawValueLength));
    }
  }
  answer.hasPolicy = policy != nullptr;
  if (policy != nullptr) answer.policy = *policy;
  takeChunks(&s, &answer, response->EntityChunkCount, response->pEntityChunks);
  takeFlags(&answer, flags);
  // SEND-4.
  const bool bodyless = answer.status < 200 || answer.status == 204 || answer.status == 304 || found->second.spec.verb == HttpVerbHEAD;
  if (answer.complete && !bodyless && answer.field("Content-Length").empty()) {
    answer.fields.emplace_back("Content-Length", std::to_string(answer.bytes.size()));
  }
  return endAs(&s, queue, instance().script.send, "SendHttpResponse", id, overlapped, NO_ERROR, static_cast<ULONG>(answer.bytes.size()), sent);
}

ULONG WINAPI SendResponseEntityBody(HANDLE handle, HTTP_REQUEST_ID id, ULONG flags, USHORT count, HTTP_DATA_CHUNK* chunks, ULONG* sent, PVOID, ULONG,
                                    OVERLAPPED* overlapped, HTTP_LOG_DATA*) {
  BEGIN("SendResponseEntityBody");
  Queue* queue = s.queueOf(handle);
  const auto found = s.requests.find(id);
  if (queue == nullptr) return ERROR_INVALID_HANDLE;
  if (found == s.requests.end() || found->second.gone || found->second.answer.complete) return ERROR_CONNECTION_INVALID;
  Answer& answer = found->second.answer;
  const size_t before = answer.bytes.size();
  takeChunks(&s, &answer, count, chunks);
  takeFlags(&answer, flags);
  return endAs(&s, queue, instance().script.send, "SendResponseEntityBody", id, overlapped, NO_ERROR,
               static_cast<ULONG>(answer.bytes.size() - before), sent);
}

ULONG WINAPI CancelHttpRequest(HANDLE handle, HTTP_REQUEST_ID id, OVERLAPPED*) {
  BEGIN("CancelHttpRequest");
  Queue* queue = s.queueOf(handle);
  if (queue == nullptr) return ERROR_INVALID_HANDLE;
  const auto found = s.requests.find(id);
  if (found == s.requests.end() || found->second.gone) return ERROR_CONNECTION_INVALID;
  found->second.gone = found->second.answer.cancelled = true;
  s.cancelWhere(queue, ERROR_OPERATION_ABORTED, [](const Pending& one, uint64_t request) { return one.request == request; }, id);
  s.connections[found->second.spec.connection] = false;
  s.cancelWhere(queue, NO_ERROR, [](const Pending& one, uint64_t connection) { return one.connection == connection; },
                found->second.spec.connection);
  return NO_ERROR;
}

ULONG WINAPI WaitForDisconnectEx(HANDLE handle, HTTP_CONNECTION_ID id, ULONG, OVERLAPPED* overlapped) {
  BEGIN("WaitForDisconnectEx");
  Queue* queue = s.queueOf(handle);
  if (queue == nullptr) return ERROR_INVALID_HANDLE;
  const auto found = s.connections.find(id);
  if (found == s.connections.end() || !found->second) return ERROR_CONNECTION_INVALID;
  if (overlapped == nullptr) return kBlocksForGood;
  Pending wait;
  wait.name = "WaitForDisconnectEx";
  wait.overlapped = overlapped;
  wait.connection = id;
  queue->pending.push_back(wait);
  return ERROR_IO_PENDING;
}

ULONG WINAPI WaitForDisconnect(HANDLE handle, HTTP_CONNECTION_ID id, OVERLAPPED* overlapped) {
  return WaitForDisconnectEx(handle, id, 0, overlapped);
}

// Section 6.2: by `read`, as what else comes from a client.
ULONG WINAPI ReceiveClientCertificate(HANDLE handle, HTTP_CONNECTION_ID id, ULONG, HTTP_SSL_CLIENT_CERT_INFO* buffer, ULONG bytes, ULONG* returned,
                                      OVERLAPPED* overlapped) {
  BEGIN("ReceiveClientCertificate");
  Queue* queue = s.queueOf(handle);
  if (queue == nullptr) return ERROR_INVALID_HANDLE;
  std::string shown;
  for (const auto& entry : s.requests) {
    if (entry.second.spec.connection == id) shown = entry.second.spec.certificateOnDemand;
  }
  ULONG code = NO_ERROR;
  if (shown.empty()) code = ERROR_NOT_FOUND;
  std::memset(static_cast<void*>(buffer), 0xdd, bytes);
  *buffer = HTTP_SSL_CLIENT_CERT_INFO{};
  buffer->CertEncodedSize = static_cast<ULONG>(shown.size());
  if (shown.size() > bytes - sizeof *buffer) {
    code = ERROR_MORE_DATA;
  } else if (code == NO_ERROR) {
    buffer->pCertEncoded = reinterpret_cast<PUCHAR>(buffer + 1);
    std::memcpy(buffer->pCertEncoded, shown.data(), shown.size());
  }
  return endAs(&s, queue, instance().script.read, "ReceiveClientCertificate", 0, overlapped, code, bytes, returned);
}

ULONG WINAPI AddFragmentToCache(HANDLE handle, PCWSTR name, HTTP_DATA_CHUNK* chunk, HTTP_CACHE_POLICY*, OVERLAPPED* overlapped) {
  BEGIN("AddFragmentToCache");
  Queue* queue = s.queueOf(handle);
  if (queue == nullptr) return ERROR_INVALID_HANDLE;
  s.fragments[text(name)].assign(static_cast<const char*>(chunk->FromMemory.pBuffer), chunk->FromMemory.BufferLength);
  return endAs(&s, queue, instance().script.send, "AddFragmentToCache", 0, overlapped, NO_ERROR, 0, nullptr);
}

ULONG WINAPI FlushResponseCache(HANDLE handle, PCWSTR url, ULONG flags, OVERLAPPED* overlapped) {
  BEGIN("FlushResponseCache");
  Queue* queue = s.queueOf(handle);
  if (queue == nullptr) return ERROR_INVALID_HANDLE;
  const std::u16string wide = text(url);
  s.flushed = std::string(wide.begin(), wide.end()) + (flags == 1 ? " recursive" : "");
  return endAs(&s, queue, instance().script.send, "FlushResponseCache", 0, overlapped, NO_ERROR, 0, nullptr);
}

// Section 3.6: the name of the handshake, and nothing else.
ULONG WINAPI QueryRequestProperty(HANDLE, HTTP_REQUEST_ID id, httpsys::api::RequestProperty property, PVOID, ULONG, PVOID value, ULONG bytes,
                                  ULONG* returned, OVERLAPPED*) {
  BEGIN("QueryRequestProperty");
  const auto found = s.requests.find(id);
  if (found == s.requests.end()) return ERROR_CONNECTION_INVALID;
  httpsys::api::SniProperty sni;
  if (property != httpsys::api::kRequestPropertySni || bytes < sizeof sni) return ERROR_INVALID_PARAMETER;
  // Without a name, and behind it, there is anything.
  const std::string& name = found->second.spec.serverName;
  std::memset(&sni, 0xdd, sizeof sni);
  sni.flags = name.empty() ? 2 : httpsys::api::kSniUsed;
  for (size_t n = 0; n < 256 && !name.empty() && n <= name.size(); ++n) sni.hostname[n] = n < name.size() ? static_cast<WCHAR>(name[n]) : 0;
  std::memcpy(value, &sni, sizeof sni);
  if (returned != nullptr) *returned = sizeof sni;
  return NO_ERROR;
}

BOOL WINAPI IsFeatureSupported(httpsys::api::FeatureId id) { return id == httpsys::api::kFeatureResponseTrailers ? TRUE : FALSE; }

}  // namespace

void* entryPoint(const char* name) {
#define ENTRY(function) \
  if (std::strcmp(name, "Http" #function) == 0) return reinterpret_cast<void*>(&function)
  ENTRY(Initialize);
  ENTRY(Terminate);
  ENTRY(CreateServerSession);
  ENTRY(CloseServerSession);
  ENTRY(SetServerSessionProperty);
  ENTRY(CreateUrlGroup);
  ENTRY(CloseUrlGroup);
  ENTRY(SetUrlGroupProperty);
  ENTRY(AddUrlToUrlGroup);
  ENTRY(RemoveUrlFromUrlGroup);
  ENTRY(CreateRequestQueue);
  ENTRY(CloseRequestQueue);
  ENTRY(ShutdownRequestQueue);
  ENTRY(SetRequestQueueProperty);
  ENTRY(ReceiveHttpRequest);
  ENTRY(ReceiveRequestEntityBody);
  ENTRY(SendHttpResponse);
  ENTRY(SendResponseEntityBody);
  ENTRY(CancelHttpRequest);
  ENTRY(WaitForDisconnect);
  ENTRY(WaitForDisconnectEx);
  ENTRY(ReceiveClientCertificate);
  ENTRY(FlushResponseCache);
  ENTRY(AddFragmentToCache);
  ENTRY(QueryRequestProperty);
  ENTRY(IsFeatureSupported);
#undef ENTRY
  return nullptr;
}

}  // namespace kernel
