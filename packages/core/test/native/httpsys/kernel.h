// A scripted stand-in for HTTP.SYS: the entry points of httpapi.dll for the driver on Linux, answered from what a test says. It shows what the
// driver does; it proves nothing of what Windows accepts.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "httpsys/http_api.h"

namespace kernel {

// How an overlapped call ends.
enum class End {
  kAtOnce,   // it returns 0
  kPacket,   // it returns 997 and its packet is there
  kHeld,     // it returns 997 and its packet comes with `release`
};

struct RequestSpec {
  HTTP_VERB verb = HttpVerbGET;
  std::string unknownVerb;
  std::string url = "/";
  std::vector<std::pair<HTTP_HEADER_ID, std::string>> known = {{HttpHeaderHost, "localhost:8080"}};
  std::vector<std::pair<std::string, std::string>> unknown;
  std::string body;        // what has come of it
  bool bodyEnded = true;   // and whether more will
  USHORT minorVersion = 1;
  ULONG flags = 0;
  uint64_t connection = 0;  // 0: a new one
  uint16_t remotePort = 50000;
  bool encrypted = false;
  bool ipv6 = false;
  int authStatus = -1;  // negative: authentication is off; 0 comes with a token
  std::string certificate;
  std::string certificateOnDemand;  // shown when the client is asked for it
  std::string serverName;  // of the handshake; empty: the client named none
};

// What the client has of an answer.
struct Answer {
  int status = 0;
  std::string reason;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string bytes;  // as they were handed over: chunked coding and all
  std::vector<ULONG> flags;  // of each send
  int sends = 0;
  bool complete = false;
  bool disconnects = false;
  bool cancelled = false;
  bool opaque = false;
  bool hasPolicy = false;
  HTTP_CACHE_POLICY policy{};
  bool abandoned = false;  // the queue was closed first

  std::string field(const std::string& name) const;
  int count(const std::string& name) const;
  // The body without chunked coding; "malformed" when that is broken.
  std::string body() const;
};

struct Script {
  End send = End::kPacket;
  End receive = End::kPacket;  // of a request that waits already
  End read = End::kPacket;
  bool skipModes = true;          // SetFileCompletionNotificationModes works
  bool packetAfterMoreData = false;  // as Wine: 234 at once, and a packet too
  bool upgradesHaveNoBody = false;
  // By name without `Http`: results of the next calls, 0 for an ordinary one.
  std::map<std::string, std::deque<ULONG>> results;
};

class Kernel {
 public:
  // As after the start of the machine. Nothing may be open.
  void reset();
  Script script;

  // A file as it is from now on; who has it open sees the change.
  void putFile(const std::string& path, const std::string& content);
  uint64_t deliver(RequestSpec spec);
  void feed(uint64_t request, const std::string& bytes, bool end);
  void failBody(uint64_t request, ULONG error);
  void disconnect(uint64_t connection);
  uint64_t connectionOf(uint64_t request);
  // The packets of held calls; their number.
  int release(ULONG error = 0);
  Answer answer(uint64_t request);
  bool delivered(uint64_t request);
  int calls(const std::string& name);
  int pendingReceives();
  int pending(const std::string& name);
  // Names of the calls that have not ended, for whoever waits in vain.
  std::string underWay();
  std::vector<std::string> urls();
  // Settings as they were last given, by number of the property.
  std::string property(int property);
  // What the system does when a process ends: everything it had is gone.
  void endProcess();
  // Objects and handles that are open.
  int open();
  std::string flushed();
  std::u16string queueName();
  // The descriptor it was created with; empty: the system's.
  std::string queueSecurity();
};

Kernel& instance();

}  // namespace kernel
