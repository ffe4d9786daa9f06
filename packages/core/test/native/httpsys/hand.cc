#include "hand.h"

using namespace httpsys;

Hand::Hand() {
  const char* missing = nullptr;
  loadFunctions(&missing);
  (void)recorder::takeViolations();
  api().Initialize(kVersion, HTTP_INITIALIZE_SERVER, nullptr);
  api().CreateServerSession(kVersion, &session, 0);
  api().CreateRequestQueue(kVersion, nullptr, nullptr, 0, &queue);
  api().CreateUrlGroup(session, &group, 0);
  HTTP_BINDING_INFO binding{};
  binding.Flags.Present = 1;
  binding.RequestQueueHandle = queue;
  api().SetUrlGroupProperty(group, HttpServerBindingProperty, &binding, sizeof binding);
  port = CreateIoCompletionPort(queue, nullptr, 1, 1);
  SetFileCompletionNotificationModes(queue, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS);
  kernel::Script& script = kernel::instance().script;
  script.send = script.receive = script.read = kernel::End::kAtOnce;
  begin();
}

Hand::~Hand() {
  // What a test has closed itself is closed twice, which nobody is told of.
  api().CloseRequestQueue(queue);
  takePackets();
  api().CloseUrlGroup(group);
  api().CloseServerSession(session);
  api().Terminate(HTTP_INITIALIZE_SERVER, nullptr);
  CloseHandle(port);
  (void)recorder::takeViolations();
  recorder::forgetAll();
  kernel::instance().reset();
}

HTTP_REQUEST_ID Hand::request(kernel::RequestSpec spec) {
  const uint64_t id = kernel::instance().deliver(std::move(spec));
  receive(HTTP_NULL_ID);
  return id;
}

ULONG Hand::receive(HTTP_REQUEST_ID id, ULONG bytes, ULONG flags) {
  return api().ReceiveHttpRequest(queue, id, flags, reinterpret_cast<HTTP_REQUEST*>(buffer_), bytes, nullptr, overlapped());
}

ULONG Hand::read(HTTP_REQUEST_ID id, ULONG bytes, ULONG flags) {
  return api().ReceiveRequestEntityBody(queue, id, flags, buffer_, bytes, nullptr, overlapped());
}

ULONG Hand::send(HTTP_REQUEST_ID id, ULONG flags, HTTP_CACHE_POLICY* policy) {
  if (!chunks.empty()) {
    response.EntityChunkCount = static_cast<USHORT>(chunks.size());
    response.pEntityChunks = chunks.data();
  }
  return api().SendHttpResponse(queue, id, flags, &response, policy, nullptr, nullptr, 0, overlapped(), nullptr);
}

ULONG Hand::sendBody(HTTP_REQUEST_ID id, ULONG flags) {
  return api().SendResponseEntityBody(queue, id, flags, static_cast<USHORT>(chunks.size()), chunks.empty() ? nullptr : chunks.data(), nullptr, nullptr, 0,
                                      overlapped(), nullptr);
}

void Hand::begin(USHORT status) {
  response = HTTP_RESPONSE{};
  response.StatusCode = status;
  chunks.clear();
}

void Hand::known(HTTP_HEADER_ID id, const char* value) {
  response.Headers.KnownHeaders[id] = HTTP_KNOWN_HEADER{static_cast<USHORT>(std::strlen(value)), value};
}

void Hand::unknown(const char* name, const char* value) {
  field_ = HTTP_UNKNOWN_HEADER{static_cast<USHORT>(std::strlen(name)), static_cast<USHORT>(std::strlen(value)), name, value};
  response.Headers.UnknownHeaderCount = 1;
  response.Headers.pUnknownHeaders = &field_;
}

void Hand::body(const char* text) {
  HTTP_DATA_CHUNK chunk{};
  chunk.DataChunkType = HttpDataChunkFromMemory;
  chunk.FromMemory.pBuffer = const_cast<char*>(text);
  chunk.FromMemory.BufferLength = static_cast<ULONG>(std::strlen(text));
  chunks.push_back(chunk);
}

void Hand::trailers(const char* name, const char* value) {
  trailer_ = HTTP_UNKNOWN_HEADER{static_cast<USHORT>(std::strlen(name)), static_cast<USHORT>(std::strlen(value)), name, value};
  const api::TrailersChunk made{api::kChunkTrailers, 1, &trailer_};
  HTTP_DATA_CHUNK chunk{};
  std::memcpy(&chunk, &made, sizeof made);
  chunks.push_back(chunk);
}

void Hand::takePackets() {
  OVERLAPPED_ENTRY entries[64];
  ULONG count = 0;
  while (GetQueuedCompletionStatusEx(port, entries, 64, &count, 0, FALSE)) {
  }
}

void addFragment(Hand& hand, const wchar_t* name, const char* bytes, ULONG seconds) {
  // What the system reads stays where it is until the call has ended.
  static HTTP_DATA_CHUNK chunk;
  static HTTP_CACHE_POLICY policy;
  chunk = HTTP_DATA_CHUNK{};
  chunk.FromMemory.pBuffer = const_cast<char*>(bytes);
  chunk.FromMemory.BufferLength = static_cast<ULONG>(std::strlen(bytes));
  policy = HTTP_CACHE_POLICY{HttpCachePolicyTimeToLive, seconds};
  Hand::api().AddFragmentToCache(hand.queue, name, &chunk, &policy, hand.overlapped());
}

bool noticed(const std::string& what) {
  // A rule alone is not the beginning of another one's number.
  const std::string wanted = what.find(':') == std::string::npos ? what + ":" : what;
  for (const std::string& one : recorder::takeViolations()) {
    if (one.compare(0, wanted.size(), wanted) == 0) return true;
  }
  return false;
}

void expectNotices(const std::vector<Breach>& breaches) {
  for (const Breach& one : breaches) {
    Hand hand;
    for (const std::string& early : recorder::takeViolations()) check::failed(__FILE__, __LINE__, "noticed too early: " + early);
    one.call(hand);
    if (!noticed(one.notice)) check::failed(__FILE__, __LINE__, std::string("not noticed: ") + one.notice);
  }
}
