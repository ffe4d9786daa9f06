// Malformed requests: they belong to no application, and get a page; but a program that has the port for itself may answer them
// (docs/frames.md, Malformed requests).
#include <algorithm>
#include <string>

#include "common/frame_writer.h"
#include "common/http_errors.h"
#include "portable/channel.h"
#include "portable/connection.h"
#include "portable/io_thread.h"
#include "portable/limits.h"
#include "portable/request_queue.h"

namespace httpsys {

// Who may be told of what is wrong here; null: nobody, it is the engine's own business.
Channel* Connection::clientErrorTaker() const {
  const QueueShard* sole = thread_->portRules(routePort_).sole;
  if (sole == nullptr || !sole->settings().clientErrors) return nullptr;
  if (exchange_ != nullptr && exchange_->channel != nullptr) return exchange_->channel;
  return sole->listeningChannel();
}

// False: nobody wants the client. True: it is the program's from here on, and there is no exchange any more.
bool Connection::handOver(const ParseError& error, std::string_view packet, size_t understood) {
  if (error.clientError < 0 || closeAfter_ || handed_ != nullptr) return false;
  Channel* channel = clientErrorTaker();
  if (channel == nullptr) return false;
  thread_->counters.reject(error.reason);
  if (exchange_ != nullptr) dropExchange(frames::kAbortMalformedBody, false);
  announce(channel);
  packet = packet.substr(0, frames::kClientErrorBytes);
  std::string body(4, '\0');
  frames::store32(reinterpret_cast<uint8_t*>(&body[0]), static_cast<uint32_t>(std::min(understood, packet.size())));
  body.append(packet);
  appendFrame(channel->out(), frames::kClientError, 0, static_cast<uint16_t>(error.clientError), id_, body);
  handed_ = channel;
  inputReady_ = true;
  return true;
}

// A reset leaves nothing to answer; a program that listens hears of it all the same.
void Connection::tellReset() {
  if (closed_ || closeAfter_ || lingering_) return;
  Channel* channel = clientErrorTaker();
  if (channel == nullptr) return;
  announce(channel);
  const char understood[4] = {};
  appendFrame(channel->out(), frames::kClientError, 0, frames::kClientErrorReset, id_, std::string_view(understood, sizeof understood));
}

void Connection::onRaw(const Channel* channel, bool last, std::string_view bytes) {
  if (closed_ || handed_ == nullptr || handed_ != channel) return;
  rawBytes_ += static_cast<uint32_t>(std::min<size_t>(bytes.size(), frames::kRawBytesMax + 1));
  if (rawBytes_ > frames::kRawBytesMax) {
    reset();
    return;
  }
  append(bytes);
  if (last) {
    handed_ = nullptr;
    closeAfter_ = lingerAfter_ = true;
  }
  markDirty();
}

}  // namespace httpsys
