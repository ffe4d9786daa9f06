// What the binding sees of the HTTP.SYS driver: one request queue with its URLs, and batches of frames to and from it. No Windows type is
// named here, so that the binding includes no Windows header.
//
// Threads: the methods below are called on the JavaScript thread. Requests, responses and completions live on the queue's one I/O thread,
// which alone touches exchanges and connections. The two meet in the inbox and the outbox (mailboxes.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/byte_buffer.h"

namespace httpsys {
namespace driver {

// A call of the API that failed: its name and the Win32 code.
struct DriverError {
  uint32_t code = 0;
  const char* function = "";
};

enum class QueueMode { kCreate, kAttach, kControl };

// -1 leaves a setting as it is. Timeouts in seconds, 0 = the system's default, 0xffff = none.
struct QueueSettings {
  int64_t queueLength = -1;
  int64_t enabled = -1;
  int64_t verbosity503 = -1;
  int64_t maxRequestBodyBytes = -1;
  int64_t maxConnections = -1;  // 0 = no limit
  int64_t maxBandwidth = -1;    // bytes per second, 0 = no limit
  int64_t entityBody = -1;
  int64_t drainEntityBody = -1;
  int64_t requestQueue = -1;
  int64_t idleConnection = -1;
  int64_t headerWait = -1;
  int64_t minSendRate = -1;
  int64_t authSchemes = -1;  // bits of AUTH-1
  bool allowAnonymous = true;
  bool bufferData = false;  // the driver buffers sends (BUFFER_DATA)
  bool clientCertificate = false;  // clients on https are asked for a certificate that their handshake has not shown
  std::u16string realm;
  std::u16string domain;
};

struct QueueCounters {
  uint64_t requests = 0;
  uint64_t inFlight = 0;
  uint64_t connections = 0;
  uint64_t bytesIn = 0;
  uint64_t bytesOut = 0;
  uint64_t informationalDropped = 0;
  uint64_t rejected = 0;
};

// What the I/O thread tells beside frames.
struct QueueEvent {
  enum Kind : uint32_t {
    kFailed = 1,         // the channel has ended: a malformed frame, `text` says why; or receives fail, `code` is the Win32 code
    kFlushed = 2,        // `token` of flushCache, `code` a Win32 code
    kInformational = 3,  // the first interim response that was dropped (SEND-9); `code` is its status
    kSendRefused = 4,    // the first response that the driver did not take; `code` is the Win32 code
    kClosed = 5,         // the last event: the thread is through
  };
  Kind kind;
  uint32_t token = 0;
  uint32_t code = 0;
  std::string text;
};

class RequestQueue;

class Driver {
 public:
  struct Options {
    std::u16string name;
    std::u16string security;  // access list of a queue that is created, as text (SDDL); empty: the system's default
    QueueMode mode = QueueMode::kCreate;
    uint32_t pendingReceives = 0;  // 0: five for each processor
    // Called on the I/O thread when the outbox has something and had nothing: must make the JavaScript thread call `collect`.
    std::function<void()> wake;
  };

  // Null with *error filled when the API is not there or the queue cannot be had.
  static std::unique_ptr<Driver> create(Options options, DriverError* error);
  ~Driver();
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  bool addUrl(const std::u16string& url, uint32_t context, DriverError* error);
  // Those of an attached queue belong to its creator. No more requests; delivered ones may still be answered (SHUT-8).
  void removeUrls();
  // Settings of the queue, and of the URLs that there are and that will be added: give all of them each time.
  bool apply(const QueueSettings& settings, DriverError* error);
  // Names of settings that this system does not know (Wine: 120), each time since the last call.
  std::vector<const char*> unsupported();

  // A channel begins: so many requests may be handed over.
  void start(uint32_t credit);
  // A batch of frames of the application; false when the inbox holds more than it may.
  bool submit(const uint8_t* data, size_t length);
  void flushCache(uint32_t token, std::u16string url, bool recursive);
  // Moves out what the I/O thread has for the application.
  void collect(ByteBuffer* frames, std::vector<QueueEvent>* events);
  QueueCounters counters() const;

  // The ordered end (see queue_loop.cc); kClosed follows, after which the object may be destroyed.
  void close();
  // The process ends: the thread stops where it is, and what it had is left to the system. The object must not be destroyed afterwards.
  void abandon();

  // A port that nobody listens on at this moment; 0 when there is none.
  static uint16_t freePort();
  // Handles of this process, for tests of leaks; 0 when the system does not tell.
  static uint32_t handleCount();

 private:
  explicit Driver(std::unique_ptr<RequestQueue> queue);
  std::unique_ptr<RequestQueue> queue_;
};

// What this system can do, by name, for diagnostics and tests.
struct Feature {
  const char* name;
  bool available;
};
std::vector<Feature> features(DriverError* error);

}  // namespace driver
}  // namespace httpsys
