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
};

// `host` is an address or empty for any (both families, else IPv4). Port 0 finds a free one. False: `error` says why.
bool bindAndListen(const std::string& host, uint16_t port, int backlog, BoundSocket* out, SystemError* error);

class Listener final : public Timed {
 public:
  Listener(IoThread* thread, const std::string& host, const BoundSocket& socket);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  bool matches(const std::string& host, uint16_t port) const { return port_ == port && host_ == host; }
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
  uint16_t port_;
  Socket socket_;
  SpareDescriptor spare_;
  uv_poll_t poll_;
};

}  // namespace httpsys
