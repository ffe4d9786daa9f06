// A stream of frames between one I/O thread and one attached process. What carries the bytes is up to the subclass.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/byte_buffer.h"
#include "common/frames.h"
#include "portable/exchange.h"
#include "portable/limits.h"

namespace httpsys {

class Connection;
class IoThread;
class QueueShard;

class Channel {
 public:
  Channel(IoThread* thread, uint32_t id);
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  virtual ~Channel() = default;

  uint32_t id() const { return id_; }
  QueueShard* shard() const { return shard_; }
  bool open() const { return open_; }
  // Minor version of the protocol that the application speaks.
  uint8_t minor() const { return minor_; }

  // Becomes a taker of the queue's requests.
  void attachTo(QueueShard* shard, uint32_t credit);

  // The buffer for frames to the application; it goes out in one piece at the end of the loop iteration.
  ByteBuffer* out() {
    if (!dirty_) markDirty();
    return &out_;
  }
  bool hasRoom() const { return accepting_ && !congested(); }
  bool takesRequests() const { return credit_ > 0 && hasRoom(); }
  // The application is behind: nothing that can wait is added.
  bool congested() const { return out_.size() >= limits::kChannelOutputHighBytes; }
  void take(Exchange* exchange);
  void drop(Exchange* exchange);
  // The request was not delivered after all.
  void takeBack(Exchange* exchange);

  // Sends what `out` holds. Called once per loop iteration.
  void flush();

  // Works off the whole frames at the start of the bytes and says how many bytes they had. False: a malformed frame; `error` says which.
  bool handleFrames(const uint8_t* data, size_t length, size_t* consumed);
  const std::string& error() const { return error_; }
  // A DATA or OPAQUE frame of which only the beginning is there need not be gathered: `beginData` takes its header, if the bytes start with that, and
  // returns how many it took; `continueData` takes what has come of its body.
  size_t beginData(const uint8_t* data, size_t length);
  bool continueData(const uint8_t* data, size_t length, size_t* consumed);
  bool inData() const { return dataLeft_ > 0; }
  // More of this response's body is certainly on its way.
  bool inDataOf(uint32_t id) const { return dataLeft_ > 0 && data_.id == id; }

  // Ends the channel: its clients get 503, or a closed connection when their response had begun; nothing more is sent or taken.
  void end();

 protected:
  // Takes bytes from the front of `out`.
  virtual void transmit(ByteBuffer* out) = 0;
  virtual void closeTransport() = 0;
  // The first frame of a channel that is not attached yet.
  virtual bool onAttach(const frames::Header& header, const uint8_t* body, size_t length);
  bool fail(std::string why);

  IoThread* thread_;
  uint8_t minor_ = frames::kProtocolMinor;

 private:
  friend class IoThread;
  void markDirty();
  bool handleFrame(const frames::Header& header, const uint8_t* body, size_t length);
  bool overrun(uint32_t id);
  bool handleRequestFrame(const frames::Header& header, const uint8_t* body, size_t length);
  void closeConnections(uint8_t flags, uint32_t connectionId);

  uint32_t id_;
  uint32_t credit_ = 0;
  QueueShard* shard_ = nullptr;
  bool open_ = true;
  bool accepting_ = false;
  bool dirty_ = false;
  frames::Header data_{};     // of the frame whose body is still coming
  uint32_t dataLeft_ = 0;
  ByteBuffer out_;
  ExchangeList delivered_;
  std::string error_;
};

}  // namespace httpsys
