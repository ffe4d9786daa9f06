// Listening sockets: bound at once with the exact error, accepted from on the engine's first I/O thread.
#pragma once

#include <uv.h>

#include <cstdint>
#include <string>

#include "portable/socket_calls.h"
#include "portable/timers.h"

namespace httpsys {

class IoThread;

// A failed system call, as Node reports it.
struct SystemError {
  int code = 0;  // libuv's
  const char* syscall = "";
};

struct BoundSocket {
  Socket socket = kNoSocket;
  uint16_t port = 0;
  std::string path;  // to be removed with the listener
};

// Where a listener is bound that shares its address with nobody: an open descriptor, a path, or else host and port.
struct LoneAddress {
  std::string host;  // as for bindAndListen
  uint16_t port = 0;
  bool ipv6Only = false;
  bool reusePort = false;  // UV_ENOTSUP where the kernel does not spread connections over such sockets
  std::string path;        // begins with NUL: Linux's abstract names
  Socket descriptor = kNoSocket;
  bool duplicate = false;  // the descriptor stays the caller's; else it is the listener's, also when this fails
};

// `host` is an address or empty for any (both families, else IPv4). Port 0 finds a free one. False: `error` says why.
bool bindAndListen(const std::string& host, uint16_t port, int backlog, BoundSocket* out, SystemError* error);

bool bindAlone(const LoneAddress& where, int backlog, BoundSocket* out, SystemError* error);

class Listener final : public Timed {
 public:
  // `host` and `port` are what it is found by again.
  Listener(IoThread* thread, const std::string& host, uint32_t port, uint32_t routeKey, const BoundSocket& socket);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  bool matches(const std::string& host, uint32_t port) const { return port_ == port && host_ == host; }
  int start(bool referenced);
  void setReferenced(bool referenced);
  // Stops accepting, frees the port and deletes the object when libuv is done with it.
  void closeAndDelete();
  // For one that could not be started.
  void abandon();

 private:
  ~Listener() = default;
  int poll();
  void onReadable();
  void onDeadline() override;
  // Without a spare descriptor nothing could be accepted, not even to be refused, and the loop would spin.
  void refuseOne();

  IoThread* thread_;
  std::string host_;
  uint32_t port_;
  uint32_t routeKey_;
  Socket socket_;
  std::string path_;
  SpareDescriptor spare_;
  uv_poll_t poll_;
};

}  // namespace httpsys
