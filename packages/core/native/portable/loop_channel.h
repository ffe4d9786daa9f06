// A channel to the application on the same loop: one call per loop iteration with all its frames.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "portable/channel.h"

namespace httpsys {

// Takes a batch of whole frames. The bytes are valid during the call only.
using BatchSink = std::function<void(uint32_t channelId, std::string_view batch)>;

class LoopChannel final : public Channel {
 public:
  LoopChannel(IoThread* thread, uint32_t id, BatchSink sink) : Channel(thread, id), sink_(std::move(sink)) {}

 protected:
  void transmit(ByteBuffer* out) override {
    if (out->empty()) return;
    // The application answers from within the call; what that prepares goes into the other buffer, for the next turn.
    batch_.clear();
    batch_.swap(*out);
    sink_(id(), batch_.view());
  }
  void closeTransport() override {}

 private:
  BatchSink sink_;
  ByteBuffer batch_;
};

}  // namespace httpsys
