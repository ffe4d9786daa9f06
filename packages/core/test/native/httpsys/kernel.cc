#include "kernel.h"

#include <algorithm>
#include <cstring>

#include "kernel_state.h"
#include "recorder.h"

namespace kernel {

namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return text;
}

// Takes memory of a buffer from the front, eight bytes apart.
struct Room {
  uint8_t* base;
  size_t capacity;
  size_t used = 0;

  void* take(size_t bytes) {
    used = (used + 7) & ~size_t{7};
    void* const at = used + bytes <= capacity ? base + used : nullptr;
    used += bytes;
    return at;
  }
  PCSTR text(const std::string& value) {
    void* const at = take(value.size() + 1);
    if (at != nullptr) std::memcpy(at, value.c_str(), value.size() + 1);
    return static_cast<PCSTR>(at);
  }
};

SOCKADDR* address(Room* room, uint16_t port, bool ipv6) {
  if (ipv6) {
    SOCKADDR_IN6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(port);
    in.sin6_addr = in6addr_loopback;
    void* const at = room->take(sizeof in);
    if (at != nullptr) std::memcpy(at, &in, sizeof in);
    return static_cast<SOCKADDR*>(at);
  }
  SOCKADDR_IN in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  void* const at = room->take(sizeof in);
  if (at != nullptr) std::memcpy(at, &in, sizeof in);
  return static_cast<SOCKADDR*>(at);
}

bool isDone(const Request& request) { return request.answer.complete || request.gone; }

}  // namespace

State& state() {
  static State* const one = new State;
  return *one;
}

Kernel& instance() {
  static Kernel* const one = new Kernel;
  return *one;
}

std::string Answer::field(const std::string& name) const {
  for (const auto& one : fields) {
    if (lower(one.first) == lower(name)) return one.second;
  }
  return "";
}

int Answer::count(const std::string& name) const {
  return static_cast<int>(std::count_if(fields.begin(), fields.end(), [&](const auto& one) { return lower(one.first) == lower(name); }));
}

std::string Answer::body() const {
  if (field("Transfer-Encoding") != "chunked") return bytes;
  std::string out;
  size_t at = 0;
  for (;;) {
    const size_t line = bytes.find("\r\n", at);
    if (line == std::string::npos) return complete ? "malformed" : out;
    const size_t size = std::stoul(bytes.substr(at, line - at), nullptr, 16);
    at = line + 2;
    if (size == 0) return out;
    if (at + size > bytes.size()) return complete ? "malformed" : out;
    out += bytes.substr(at, size);
    at += size + 2;
  }
}

Queue* State::queueOf(HANDLE handle) {
  for (const auto& queue : queues) {
    if (queue.get() == handle && !queue->closed) return queue.get();
  }
  return nullptr;
}

void State::post(Queue* queue, OVERLAPPED* overlapped, ULONG error, ULONG bytes) {
  overlapped->Internal = error;
  overlapped->InternalHigh = bytes;
  queue->port->packets.push_back(OVERLAPPED_ENTRY{queue->key, overlapped, error, bytes});
  changed.notify_all();
}

void State::finish(Queue* queue, size_t index, ULONG error, ULONG bytes) {
  OVERLAPPED* const overlapped = queue->pending[index].overlapped;
  queue->pending.erase(queue->pending.begin() + static_cast<std::ptrdiff_t>(index));
  post(queue, overlapped, error, bytes);
}

void State::cancelWhere(Queue* queue, ULONG error, bool (*which)(const Pending&, uint64_t), uint64_t value) {
  for (size_t n = 0; n < queue->pending.size();) {
    if (which(queue->pending[n], value)) {
      finish(queue, n, error, 0);
    } else {
      ++n;
    }
  }
}

// Requests that wait meet receives that pend (RECV-5: first in, first out).
void State::match() {
  for (const auto& queue : queues) {
    if (queue->closed || queue->shutdown) continue;
    for (auto& entry : requests) {
      Request& request = entry.second;
      if (request.taken || request.gone) continue;
      const auto receive = std::find_if(queue->pending.begin(), queue->pending.end(),
                                        [](const Pending& one) { return one.name == "ReceiveHttpRequest" && one.request == 0; });
      if (receive == queue->pending.end()) break;
      ULONG returned = 0;
      const ULONG code = writeRequest(&request, receive->buffer, receive->bytes, &returned, true);
      finish(queue.get(), static_cast<size_t>(receive - queue->pending.begin()), code, returned);
    }
  }
}

void State::pumpReads(Request* request) {
  for (const auto& queue : queues) {
    for (size_t n = 0; n < queue->pending.size(); ++n) {
      Pending& read = queue->pending[n];
      if (read.name != "ReceiveRequestEntityBody" || read.request != request->id) continue;
      if (request->spec.body.empty() && !request->spec.bodyEnded && request->bodyError == 0) return;
      const size_t count = std::min<size_t>(read.bytes, request->spec.body.size());
      if (count > 0) std::memcpy(read.buffer, request->spec.body.data(), count);
      request->spec.body.erase(0, count);
      const ULONG code = count > 0 ? NO_ERROR : request->bodyError != 0 ? request->bodyError : ERROR_HANDLE_EOF;
      finish(queue.get(), n, code, static_cast<ULONG>(count));
      return;
    }
  }
}

ULONG writeRequest(Request* request, uint8_t* buffer, ULONG bytes, ULONG* returned, bool copyBody) {
  const RequestSpec& spec = request->spec;
  Room room{buffer, bytes};
  auto* const out = static_cast<HTTP_REQUEST*>(room.take(sizeof(HTTP_REQUEST)));
  HTTP_REQUEST made{};
  made.ConnectionId = spec.connection;
  made.RequestId = request->id;
  made.Version = HTTP_VERSION{1, spec.minorVersion};
  made.Verb = spec.verb;
  made.Flags = spec.flags;
  made.UrlContext = 7;
  made.pUnknownVerb = spec.unknownVerb.empty() ? nullptr : room.text(spec.unknownVerb);
  made.UnknownVerbLength = static_cast<USHORT>(spec.unknownVerb.size());
  made.pRawUrl = room.text(spec.url);
  made.RawUrlLength = static_cast<USHORT>(spec.url.size());
  made.Address.pRemoteAddress = address(&room, spec.remotePort, spec.ipv6);
  made.Address.pLocalAddress = address(&room, 8080, spec.ipv6);
  for (const auto& header : spec.known) {
    HTTP_KNOWN_HEADER& known = made.Headers.KnownHeaders[header.first];
    known.pRawValue = room.text(header.second);
    known.RawValueLength = static_cast<USHORT>(header.second.size());
  }
  auto* const unknown = static_cast<HTTP_UNKNOWN_HEADER*>(room.take(sizeof(HTTP_UNKNOWN_HEADER) * spec.unknown.size()));
  made.Headers.UnknownHeaderCount = static_cast<USHORT>(spec.unknown.size());
  made.Headers.pUnknownHeaders = unknown;
  for (size_t n = 0; n < spec.unknown.size(); ++n) {
    const HTTP_UNKNOWN_HEADER header{static_cast<USHORT>(spec.unknown[n].first.size()), static_cast<USHORT>(spec.unknown[n].second.size()),
                                     room.text(spec.unknown[n].first), room.text(spec.unknown[n].second)};
    if (unknown != nullptr && room.used <= room.capacity) unknown[n] = header;
  }
  auto* const tls = spec.encrypted ? static_cast<HTTP_SSL_INFO*>(room.take(sizeof(HTTP_SSL_INFO))) : nullptr;
  made.pSslInfo = tls;
  auto* const chunk = static_cast<HTTP_DATA_CHUNK*>(room.take(sizeof(HTTP_DATA_CHUNK)));
  const size_t infoCount = (spec.authStatus >= 0 ? 1u : 0u) + (spec.encrypted ? 1u : 0u);
  auto* const infos = static_cast<HTTP_REQUEST_INFO*>(room.take(sizeof(HTTP_REQUEST_INFO) * infoCount));
  auto* const auth = static_cast<httpsys::api::RequestAuthInfo*>(room.take(sizeof(httpsys::api::RequestAuthInfo)));
  auto* const handshake = static_cast<httpsys::api::SslProtocolInfo*>(room.take(sizeof(httpsys::api::SslProtocolInfo)));
  auto* const certificate = static_cast<HTTP_SSL_CLIENT_CERT_INFO*>(room.take(sizeof(HTTP_SSL_CLIENT_CERT_INFO)));
  PCSTR const encoded = room.text(spec.certificate);
  made.RequestInfoCount = static_cast<USHORT>(infoCount);
  made.pRequestInfo = infos;
  made.BytesReceived = spec.url.size() + spec.body.size();
  *returned = static_cast<ULONG>(room.used);
  request->taken = true;
  if (room.used > room.capacity) {
    // RECV-3: nothing but the two ids is valid.
    std::memset(buffer, 0xdd, bytes);
    std::memcpy(buffer + offsetof(HTTP_REQUEST_V1, ConnectionId), &made.ConnectionId, sizeof made.ConnectionId);
    std::memcpy(buffer + offsetof(HTTP_REQUEST_V1, RequestId), &made.RequestId, sizeof made.RequestId);
    return ERROR_MORE_DATA;
  }
  size_t info = 0;
  if (tls != nullptr) {
    *tls = HTTP_SSL_INFO{};
    *handshake = httpsys::api::SslProtocolInfo{0x3000, 0x6610, 256, 0x800d, 384, 0xae06, 255};
    infos[info++] = HTTP_REQUEST_INFO{static_cast<HTTP_REQUEST_INFO_TYPE>(httpsys::api::kInfoSslProtocol), sizeof *handshake, handshake};
    if (!spec.certificate.empty()) {
      *certificate = HTTP_SSL_CLIENT_CERT_INFO{};
      certificate->CertEncodedSize = static_cast<ULONG>(spec.certificate.size());
      certificate->pCertEncoded = reinterpret_cast<PUCHAR>(const_cast<char*>(encoded));
      tls->pClientCertInfo = certificate;
    }
  }
  if (spec.authStatus >= 0) {
    *auth = httpsys::api::RequestAuthInfo{};
    auth->authStatus = static_cast<HTTP_AUTH_STATUS>(spec.authStatus);
    auth->authType = HttpRequestAuthTypeNTLM;
    if (spec.authStatus == 0) state().tokens.insert(auth->accessToken = new char);
    infos[info++] = HTTP_REQUEST_INFO{HttpRequestInfoTypeAuth, sizeof *auth, auth};
  }
  if (copyBody && !spec.body.empty()) {
    const size_t fits = std::min(spec.body.size(), room.capacity - room.used);
    if (fits > 0) {
      uint8_t* const at = buffer + room.used;
      std::memcpy(at, spec.body.data(), fits);
      *chunk = HTTP_DATA_CHUNK{};
      chunk->DataChunkType = HttpDataChunkFromMemory;
      chunk->FromMemory.pBuffer = at;
      chunk->FromMemory.BufferLength = static_cast<ULONG>(fits);
      made.EntityChunkCount = 1;
      made.pEntityChunks = chunk;
      request->spec.body.erase(0, fits);
      room.used += fits;
    }
  }
  if ((!request->spec.body.empty() || !spec.bodyEnded) && !instance().script.upgradesHaveNoBody) made.Flags |= 1;
  std::memcpy(out, &made, sizeof made);
  *returned = static_cast<ULONG>(room.used);
  request->delivered = true;
  return NO_ERROR;
}

void Kernel::reset() {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  script = Script();
  s.requests.clear();
  s.connections.clear();
  s.calls.clear();
  s.properties.clear();
  s.queues.clear();
  s.groups.clear();
  s.sessions.clear();
  s.initialized = 0;
  s.flushed.clear();
  s.disk.clear();
  s.fragments.clear();
}

uint64_t Kernel::deliver(RequestSpec spec) {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  const uint64_t id = ++s.lastId;
  if (spec.connection == 0) spec.connection = ++s.lastId;
  s.connections[spec.connection] = true;
  Request& request = s.requests[id];
  request.id = id;
  request.spec = std::move(spec);
  s.match();
  return id;
}

void Kernel::feed(uint64_t id, const std::string& bytes, bool end) {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  Request& request = s.requests[id];
  request.spec.body += bytes;
  request.spec.bodyEnded = end;
  s.pumpReads(&request);
}

void Kernel::failBody(uint64_t id, ULONG error) {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  s.requests[id].bodyError = error;
  s.pumpReads(&s.requests[id]);
}

// The client leaves: what is under way of its requests ends with 64, later calls get 1229, whoever waits is told.
void Kernel::disconnect(uint64_t connection) {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  s.connections[connection] = false;
  for (auto& entry : s.requests) {
    Request& request = entry.second;
    if (request.spec.connection != connection || isDone(request)) continue;
    request.gone = true;
    for (const auto& queue : s.queues) {
      s.cancelWhere(queue.get(), ERROR_NETNAME_DELETED, [](const Pending& one, uint64_t id) { return one.request == id; }, request.id);
    }
  }
  for (const auto& queue : s.queues) {
    s.cancelWhere(queue.get(), NO_ERROR, [](const Pending& one, uint64_t id) { return one.connection == id; }, connection);
  }
}

uint64_t Kernel::connectionOf(uint64_t request) {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  return s.requests[request].spec.connection;
}

int Kernel::release(ULONG error) {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  int count = 0;
  for (const auto& queue : s.queues) {
    for (size_t n = 0; n < queue->pending.size();) {
      const Pending& one = queue->pending[n];
      // Those that `endAs` holds; the others wait for a client.
      const bool held = one.name == "SendHttpResponse" || one.name == "SendResponseEntityBody" || one.name == "FlushResponseCache" || one.name == "AddFragmentToCache" ||
                        one.name == "ReceiveClientCertificate";
      if (!held) {
        ++n;
        continue;
      }
      s.finish(queue.get(), n, error != 0 ? error : one.result, one.count);
      ++count;
    }
  }
  return count;
}

Answer Kernel::answer(uint64_t request) {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  return s.requests[request].answer;
}

bool Kernel::delivered(uint64_t request) {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  return s.requests[request].delivered;
}

int Kernel::calls(const std::string& name) {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  return s.calls[name];
}

int Kernel::pendingReceives() { return pending("ReceiveHttpRequest"); }

int Kernel::pending(const std::string& name) {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  int count = 0;
  for (const auto& queue : s.queues) {
    for (const Pending& one : queue->pending) count += one.name == name ? 1 : 0;
  }
  return count;
}

std::string Kernel::underWay() {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  std::string names;
  for (const auto& queue : s.queues) {
    for (const Pending& one : queue->pending) names += one.name + " " + std::to_string(one.request) + ", ";
  }
  for (const auto& port : s.ports) names += std::to_string(port.second->packets.size()) + " packets, ";
  return names.empty() ? "nothing" : names;
}

std::vector<std::string> Kernel::urls() {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  std::vector<std::string> all;
  for (const auto& group : s.groups) {
    for (const std::u16string& url : group.second.urls) all.emplace_back(url.begin(), url.end());
  }
  return all;
}

std::string Kernel::property(int property) {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  return s.properties[property];
}

void Kernel::endProcess() {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  s.initialized = 0;
  s.sessions.clear();
  s.groups.clear();
  s.queues.clear();
  s.ports.clear();
  httpsys::recorder::forgetAll();
}

int Kernel::open() {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  int count = s.initialized + static_cast<int>(s.sessions.size() + s.groups.size() + s.ports.size() + s.tokens.size() + s.files.size());
  for (const auto& queue : s.queues) count += queue->closed ? 0 : 1;
  return count;
}

void Kernel::putFile(const std::string& path, const std::string& content) {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  s.disk[path] = content;
}

std::string Kernel::flushed() {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  return s.flushed;
}

std::u16string Kernel::queueName() {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  return s.queues.empty() ? std::u16string() : s.queues.back()->name;
}

std::string Kernel::queueSecurity() {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  return s.queues.empty() ? std::string() : s.queues.back()->security;
}

}  // namespace kernel
