// Mode `threads`: the Unix socket of an I/O thread, and the channels that come in through it.
#pragma once

#include <uv.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "portable/channel.h"
#include "portable/listener.h"
#include "portable/timers.h"

namespace httpsys {

using AttachKey = std::array<uint8_t, frames::kAttachKeyBytes>;

class PipeChannel final : public Channel, public Timed {
 public:
  PipeChannel(IoThread* thread, uint32_t id, Socket socket);

  // Waits for ATTACH, for a limited time.
  void start();
  bool attached() const { return shard() != nullptr; }
  const AttachKey& key() const { return key_; }
  // Ends the channel, and tells the application why.
  void endWith(const std::string& why);
  void onDeadline() override;

 protected:
  void transmit(ByteBuffer* out) override;
  void closeTransport() override;
  bool onAttach(const frames::Header& header, const uint8_t* body, size_t length) override;

 private:
  // The watcher outlives the channel until libuv lets go of it.
  struct Watcher {
    uv_poll_t poll;
    PipeChannel* channel;
    IoThread* thread;
  };
  static void onPoll(uv_poll_t* poll, int status, int events);
  void onReadable();
  bool takeBytes(const uint8_t* data, size_t length, size_t* used);
  void watch(int events);

  Socket socket_;
  Watcher* watcher_ = nullptr;
  int watched_ = 0;
  ByteBuffer in_;  // an incomplete frame
  AttachKey key_{};
};

class SocketServer final : public Timed {
 public:
  SocketServer(IoThread* thread, const std::string& path);
  SocketServer(const SocketServer&) = delete;
  SocketServer& operator=(const SocketServer&) = delete;

  // Binds the path, for this user alone.
  bool open(SystemError* error);
  int start();
  void closeAndDelete();
  // For one that was never started.
  void abandon();

 private:
  ~SocketServer() = default;
  void onReadable();
  int poll();
  void onDeadline() override { poll(); }

  IoThread* thread_;
  std::string path_;
  Socket socket_ = kNoSocket;
  uint32_t nextId_ = 1;
  uv_poll_t poll_;
};

}  // namespace httpsys
