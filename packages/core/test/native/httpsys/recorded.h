// What the recording layer knows of the driver's objects.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "httpsys/http_functions.h"

namespace httpsys {
namespace recorder {

// A request from its delivery to its end.
struct RecordedRequest {
  HTTP_VERB verb = HttpVerbGET;
  bool owed = false;   // ERROR_MORE_DATA: must be received again, or answered
  ULONG needed = 0;
  bool http10 = false, http2 = false, moreBody = false, bodyOver = false, reading = false;
  HTTP_CONNECTION_ID connection = 0;

  OVERLAPPED* sending = nullptr;
  bool headSent = false, complete = false, cancelled = false, failed = false, opaque = false, bodyless = false;
  int status = 0;
  int64_t contentLength = -1;
  bool chunked = false, streamed = false;
  uint64_t bytes = 0;
  // Chunked coding as it goes out: bytes of the chunk that are left, and what could not be read yet.
  uint64_t chunkLeft = 0;
  bool lastChunk = false;
  std::string line;
};

using Ranges = std::vector<std::pair<const void*, size_t>>;

struct Group {
  HTTP_SERVER_SESSION_ID session = 0;
  HANDLE queue = nullptr;
  bool bound = false;
  std::set<std::u16string> urls;
};

struct Queue {
  bool attached = false, controller = false, shutdown = false, skips = false;
  std::map<HTTP_REQUEST_ID, RecordedRequest> requests;
  std::set<HTTP_CONNECTION_ID> waits;
};

struct Call {
  enum Kind { kReceive, kRead, kSend, kWait, kOther } kind = kOther;
  const char* name = "";
  HANDLE queue = nullptr;
  HTTP_REQUEST_ID id = 0;  // or a connection's
  void* buffer = nullptr;
  ULONG bytes = 0;
  Ranges ranges;
  std::set<HANDLE> files;
  std::string copy;
};

struct Recording {
  std::mutex mutex;
  HttpFunctions next{};
  Capabilities* capabilities = nullptr;
  std::vector<std::string> violations;
  void (*report)(const std::string&) = nullptr;
  uint64_t calls = 0;
  int initialized = 0;
  std::set<HTTP_SERVER_SESSION_ID> sessions;
  std::map<HTTP_URL_GROUP_ID, Group> groups;
  std::map<HANDLE, Queue> queues;
  std::map<OVERLAPPED*, Call> pending;
  std::set<HANDLE> files;
};

using Lock = std::lock_guard<std::mutex>;

// The lock must be held for what follows.
Recording& all();
// The table that was there.
inline const HttpFunctions& next() { return all().next; }
void violation(const char* rule, const std::string& what);
void expect(bool holds, const char* rule, const std::string& what);
std::u16string text(PCWSTR value);
Queue* queueOf(HANDLE handle, const char* name);
RecordedRequest* requestOf(Queue* queue, HTTP_REQUEST_ID id, const char* name);
// Each call but the first needs the library.
void usable(const char* name);
// What this system's edition may not do ends the process under Wine.
void allowed(bool Capabilities::*which, const char* name);
// Before an overlapped call, when the system has not seen it yet.
void begin(OVERLAPPED* overlapped, Call call);

// Takes the lock itself: behind an overlapped call, with what it returned.
ULONG after(OVERLAPPED* overlapped, HANDLE queue, ULONG code, ULONG bytes);
// recorder_objects.cc, recorder_requests.cc: put the recording functions into the table.
void wrapObjects(HttpFunctions* table);
void wrapRequests(HttpFunctions* table);

// response_rules.cc: the rules of sections 4 and 5 for one send. Adds to `ranges` what the system reads until the send has ended (IO-6).
void checkHead(RecordedRequest* request, ULONG flags, const HTTP_RESPONSE& response, const HTTP_CACHE_POLICY* policy, Ranges* ranges);
void checkBody(RecordedRequest* request, ULONG flags, USHORT count, const HTTP_DATA_CHUNK* chunks, Ranges* ranges);

}  // namespace recorder
}  // namespace httpsys
