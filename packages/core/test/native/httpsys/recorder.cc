#include "recorder.h"

#include <cstring>
#include <mutex>

#include "recorded.h"

namespace httpsys {
namespace recorder {

// Never destroyed: threads of the driver may outlive statics.
Recording& all() {
  static Recording* const one = new Recording;
  return *one;
}

void expect(bool holds, const char* rule, const std::string& what) {
  if (!holds) violation(rule, what);
}

std::u16string text(PCWSTR value) {
  std::u16string out;
  for (; value != nullptr && *value != 0; ++value) out += static_cast<char16_t>(*value);
  return out;
}

namespace {

std::string copyOf(const Ranges& ranges) {
  std::string copy;
  for (const auto& range : ranges) {
    if (range.second > 0) copy.append(static_cast<const char*>(range.first), range.second);
  }
  return copy;
}

}  // namespace

Queue* queueOf(HANDLE handle, const char* name) {
  const auto found = all().queues.find(handle);
  if (found != all().queues.end()) return &found->second;
  violation("SHUT-5", std::string(name) + " on a queue that is not open");
  return nullptr;
}

RecordedRequest* requestOf(Queue* queue, HTTP_REQUEST_ID id, const char* name) {
  const auto found = queue->requests.find(id);
  if (found != queue->requests.end()) return &found->second;
  violation("SEND-14", std::string(name) + " for a request that was not received, or has long ended");
  return nullptr;
}

void usable(const char* name) {
  ++all().calls;
  expect(all().initialized > 0, "LIFE-2", std::string(name) + " without HttpInitialize");
}

void allowed(bool Capabilities::*which, const char* name) {
  expect(all().capabilities->*which, "CAPABILITY", std::string(name) + " where the system may not do it");
}

void begin(OVERLAPPED* overlapped, Call call) {
  if (overlapped == nullptr) {
    violation("IO-1", std::string(call.name) + " would block the I/O thread");
    return;
  }
  expect(all().pending.count(overlapped) == 0, "IO-6", std::string(call.name) + " with an OVERLAPPED that is in use");
  expect(overlapped->Internal == 0 && overlapped->InternalHigh == 0 && overlapped->hEvent == nullptr, "IO-1",
         std::string(call.name) + " with an OVERLAPPED that was not cleared");
  call.copy = copyOf(call.ranges);
  all().pending[overlapped] = std::move(call);
}

namespace {

void takeRequest(Queue* queue, const HTTP_REQUEST& request) {
  RecordedRequest& record = queue->requests[request.RequestId] = RecordedRequest();
  record.verb = request.Verb;
  record.http2 = (request.Flags & (api::kRequestHttp2 | api::kRequestHttp3)) != 0;
  record.http10 = !record.http2 && request.Version.MajorVersion == 1 && request.Version.MinorVersion == 0;
  record.moreBody = (request.Flags & api::kRequestMoreBody) != 0;
  record.connection = request.ConnectionId;
}

void receiveEnded(Queue* queue, const Call& call, ULONG error, ULONG bytes) {
  const auto* request = static_cast<const HTTP_REQUEST*>(call.buffer);
  if (error == NO_ERROR) {
    takeRequest(queue, *request);
  } else if (error == ERROR_MORE_DATA) {
    RecordedRequest& record = queue->requests[request->RequestId];
    record.owed = true;
    record.needed = bytes;
    record.connection = request->ConnectionId;
  } else if (call.id != 0) {
    // RECV-4: gone between the two receives.
    queue->requests.erase(call.id);
  }
}

// A refused head was never begun, and the driver may send another one; anything else is the end of the response.
void sendFailed(RecordedRequest* request, const Call& call, ULONG error) {
  const bool gone = error == ERROR_CONNECTION_INVALID || error == ERROR_OPERATION_ABORTED || error == ERROR_NETNAME_DELETED ||
                    error == ERROR_CONNECTION_ABORTED || error == ERROR_INVALID_HANDLE || error == ERROR_BROKEN_PIPE;
  if (gone || std::strcmp(call.name, "HttpSendHttpResponse") != 0) {
    request->failed = true;
    return;
  }
  request->headSent = request->complete = request->streamed = request->chunked = request->lastChunk = false;
  request->bytes = request->chunkLeft = 0;
  request->line.clear();
}

// A request that has nothing under way and is through needs no record.
void forgetIfDone(Queue* queue, HTTP_REQUEST_ID id) {
  const auto found = queue->requests.find(id);
  if (found == queue->requests.end()) return;
  const RecordedRequest& record = found->second;
  const bool over = record.complete || record.cancelled || record.failed;
  if (over && record.sending == nullptr && !record.reading) queue->requests.erase(found);
}

void ended(OVERLAPPED* overlapped, ULONG error, ULONG bytes) {
  const auto found = all().pending.find(overlapped);
  if (found == all().pending.end()) return;
  const Call call = std::move(found->second);
  all().pending.erase(found);
  // With ASan this also finds memory that was freed.
  expect(copyOf(call.ranges) == call.copy, "IO-6", std::string("memory of ") + call.name + " changed before it had ended");
  const auto queue = all().queues.find(call.queue);
  if (queue == all().queues.end()) return;
  if (call.kind == Call::kReceive) {
    receiveEnded(&queue->second, call, error, bytes);
    return;
  }
  if (call.kind == Call::kWait) {
    queue->second.waits.erase(call.id);
    return;
  }
  const auto request = queue->second.requests.find(call.id);
  if (request == queue->second.requests.end()) return;
  if (call.kind == Call::kSend) {
    request->second.sending = nullptr;
    if (error != NO_ERROR) sendFailed(&request->second, call, error);
  } else if (call.kind == Call::kRead) {
    request->second.reading = false;
    if (error != NO_ERROR) request->second.bodyOver = true;
  }
  forgetIfDone(&queue->second, call.id);
}

}  // namespace

ULONG after(OVERLAPPED* overlapped, HANDLE queue, ULONG code, ULONG bytes) {
  const Lock lock(all().mutex);
  const auto found = all().queues.find(queue);
  const bool skips = found != all().queues.end() && found->second.skips;
  if (code == ERROR_IO_PENDING || (code == NO_ERROR && !skips)) return code;
  ended(overlapped, code, bytes);
  return code;
}

void violation(const char* rule, const std::string& what) {
  std::string text = std::string(rule) + ": " + what;
  if (all().report != nullptr) {
    all().report(text);
  } else {
    all().violations.push_back(std::move(text));
  }
}

void reportTo(void (*report)(const std::string& violation)) {
  const Lock lock(all().mutex);
  all().report = report;
}

uint64_t callsChecked() {
  const Lock lock(all().mutex);
  return all().calls;
}

std::vector<std::string> takeViolations() {
  const Lock lock(all().mutex);
  return std::exchange(all().violations, {});
}

void checkEnd() {
  const Lock lock(all().mutex);
  expect(all().initialized == 0, "LIFE-2", "HttpTerminate was not called as often as HttpInitialize");
  expect(all().sessions.empty(), "SHUT-7", "a server session is open");
  expect(all().groups.empty(), "SHUT-7", "a URL group is open");
  expect(all().queues.empty(), "SHUT-7", "a request queue is open");
  expect(all().files.empty(), "SEND-17", "a file is open");
  expect(all().pending.empty(), "IO-6", "a call never ended");
}

void forgetAll() {
  const Lock lock(all().mutex);
  all().initialized = 0;
  all().sessions.clear();
  all().groups.clear();
  all().queues.clear();
  all().pending.clear();
}

Capabilities* capabilities() { return all().capabilities; }

void packetTaken(OVERLAPPED* overlapped, ULONG error, ULONG bytes) {
  const Lock lock(all().mutex);
  ended(overlapped, error, bytes);
}

void modesSet(HANDLE queue, bool skips) {
  const Lock lock(all().mutex);
  const auto found = all().queues.find(queue);
  if (found != all().queues.end()) found->second.skips = skips;
}

void fileOpened(HANDLE file, DWORD access, DWORD share, DWORD disposition, DWORD flags) {
  const Lock lock(all().mutex);
  all().files.insert(file);
  expect(access == GENERIC_READ && disposition == OPEN_EXISTING, "SEND-17", "a file is opened for more than reading");
  expect(share == (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE), "SEND-17", "a file is kept from others");
  expect(flags == (FILE_FLAG_SEQUENTIAL_SCAN | FILE_FLAG_OVERLAPPED), "SEND-17", "the flags of a file are not the documented ones");
}

void fileClosed(HANDLE file) {
  const Lock lock(all().mutex);
  all().files.erase(file);
  for (const auto& one : all().pending) expect(one.second.files.count(file) == 0, "SEND-17", "a file is closed before its send has ended");
}

void wrap(HttpFunctions* table, Capabilities* capabilities) {
  all().next = *table;
  all().capabilities = capabilities;
  wrapObjects(table);
  wrapRequests(table);
}

}  // namespace recorder
}  // namespace httpsys
