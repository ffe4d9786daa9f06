#include "portable/channel.h"

#include <algorithm>
#include <utility>

#include "common/frame_checks.h"
#include "common/frame_writer.h"
#include "common/response_frame.h"
#include "portable/connection.h"
#include "portable/fragments.h"
#include "portable/io_thread.h"
#include "portable/request_queue.h"

namespace httpsys {

Channel::Channel(IoThread* thread, uint32_t id) : thread_(thread), id_(id) {}

void Channel::attachTo(QueueShard* shard, uint32_t credit) {
  shard_ = shard;
  credit_ = std::min(credit, limits::kRequestCreditMax);
  accepting_ = true;
  shard->attach(this);
  shard->pump();
}

void Channel::markDirty() {
  dirty_ = true;
  thread_->channelDirty(this);
}

void Channel::flush() {
  dirty_ = false;
  if (!open_) return;
  const bool wasCongested = congested();
  transmit(&out_);
  if (out_.size() > limits::kChannelOutputMaxBytes) {
    fail("the application does not read its channel");
    end();
    return;
  }
  if (!wasCongested || congested()) return;
  for (Exchange* exchange = delivered_.first(); exchange != nullptr; exchange = exchange->next) exchange->connection->channelRelieved();
  if (shard_ != nullptr && takesRequests()) shard_->pump();
}

void Channel::take(Exchange* exchange) {
  --credit_;
  exchange->channel = this;
  exchange->stage = ExchangeStage::kDelivered;
  delivered_.append(exchange);
  exchange->shard->counters().inFlight.add(1);
}

void Channel::drop(Exchange* exchange) {
  delivered_.remove(exchange);
  exchange->channel = nullptr;
  exchange->shard->counters().inFlight.subtract(1);
  if (exchange->taken) exchange->shard->counters().upgraded.subtract(1);
}

void Channel::takeBack(Exchange* exchange) {
  drop(exchange);
  exchange->stage = ExchangeStage::kNew;
  ++credit_;
}

bool Channel::fail(std::string why) {
  error_ = std::move(why);
  return false;
}

bool Channel::overrun(uint32_t id) { return fail(frames::windowFault(id)); }

bool Channel::onAttach(const frames::Header&, const uint8_t*, size_t) { return fail(frames::kAttachedTwice); }

void Channel::end() {
  if (!open_) return;
  open_ = false;
  accepting_ = false;
  thread_->forgetChannel(this);
  while (Exchange* exchange = delivered_.first()) exchange->connection->channelEnded();
  if (shard_ != nullptr) shard_->detach(this);
  closeTransport();
}

bool Channel::handleFrames(const uint8_t* data, size_t length, size_t* consumed) {
  size_t at = 0;
  bool ok = true;
  while (ok && open_ && length - at >= frames::kHeaderBytes) {
    const frames::Header header = frames::loadHeader(data + at);
    if (!frames::lengthFits(header)) {
      ok = fail(frames::lengthFault(header));
      break;
    }
    if (length - at < header.length) break;
    ok = handleFrame(header, data + at + frames::kHeaderBytes, header.length - frames::kHeaderBytes);
    at += header.length;
  }
  *consumed = at;
  return ok;
}

size_t Channel::beginData(const uint8_t* data, size_t length) {
  if (length < frames::kHeaderBytes || shard_ == nullptr) return 0;
  const frames::Header header = frames::loadHeader(data);
  if (header.type != frames::kData && header.type != frames::kOpaque) return 0;
  if (header.length <= frames::kHeaderBytes || header.length > frames::kFrameBytesMax) return 0;
  data_ = header;
  dataLeft_ = header.length - static_cast<uint32_t>(frames::kHeaderBytes);
  return frames::kHeaderBytes;
}

bool Channel::continueData(const uint8_t* data, size_t length, size_t* consumed) {
  const size_t part = std::min<size_t>(length, dataLeft_);
  *consumed = part;
  if (part == 0) return true;
  dataLeft_ -= static_cast<uint32_t>(part);
  frames::Header header = data_;
  // What its flags end, ends with its last byte.
  if (dataLeft_ > 0) header.flags = 0;
  return handleRequestFrame(header, data, part);
}

bool Channel::handleFrame(const frames::Header& header, const uint8_t* body, size_t length) {
  if (shard_ == nullptr && header.type != frames::kAttach) return fail("the first frame of a channel must be ATTACH");
  switch (header.type) {
    case frames::kAttach:
      return onAttach(header, body, length);
    case frames::kCredit:
      if (length != frames::kCreditBytes) return fail(frames::creditFault(length));
      if (header.id != 0) break;
      credit_ = frames::withCredit(credit_, body);
      shard_->pump();
      return true;
    case frames::kCloseConnections:
      closeConnections(header.flags, header.id);
      return true;
    case frames::kDetach:
      accepting_ = false;
      shard_->detach(this);
      // Behind the last request: what the application has by then is all it gets.
      if (minor_ >= frames::kMinorWithDetached) appendFrame(out(), frames::kDetached, 0, 0, 0);
      return true;
    case frames::kRaw: {
      Connection* connection = thread_->connection(header.id);
      if (connection != nullptr) {
        connection->onRaw(this, (header.flags & frames::kRawIsLast) != 0, std::string_view(reinterpret_cast<const char*>(body), length));
      }
      return true;
    }
    case frames::kAddFragment: {
      FragmentParts parts;
      if (!splitFragment(body, length, &parts)) return fail(frames::kFragmentMalformed);
      const auto result = addFragment(thread_->cache(), shard_->id(), parts, shard_->settings().cacheEntryBytes, thread_->nowMs());
      appendFrame(out(), frames::kFragmentAdded, 0, result, header.id);
      return true;
    }
    default:
      if (!frames::isOfRequest(header.type)) return true;
      break;
  }
  return handleRequestFrame(header, body, length);
}

bool Channel::handleRequestFrame(const frames::Header& header, const uint8_t* body, size_t length) {
  Exchange* exchange = thread_->exchange(header.id);
  // A finished id is skipped without a word: both sides cross on the wire.
  if (exchange == nullptr || exchange->channel != this) {
    if (header.type == frames::kResponse && !Connection::responseFrameFits(body, length)) return fail(frames::kResponseTooShort);
    return true;
  }
  Connection* connection = exchange->connection;
  const std::string_view bytes(reinterpret_cast<const char*>(body), length);
  switch (header.type) {
    case frames::kCredit:
      connection->onBodyCredit(frames::load32(body));
      return true;
    case frames::kResponse:
      if (!Connection::responseFrameFits(body, length)) return fail(frames::kResponseTooShort);
      return connection->onResponse(header, body, length) || overrun(header.id);
    case frames::kInformational:
      connection->onInformational(header.aux, bytes);
      return true;
    case frames::kData:
      return connection->onData((header.flags & frames::kDataEnd) != 0, bytes) || overrun(header.id);
    case frames::kEnd:
      connection->onEnd((header.flags & frames::kEndKeepBody) != 0, bytes);
      return true;
    case frames::kOpaque:
      return connection->onOpaque(header.flags, bytes) || overrun(header.id);
    case frames::kCancel:
      connection->onCancel();
      return true;
    default:
      return true;
  }
}

void Channel::closeConnections(uint8_t flags, uint32_t connectionId) {
  if (connectionId != 0) {
    Connection* connection = thread_->connection(connectionId);
    if (connection == nullptr || !connection->knows(this) || connection->isTaken()) return;
    connection->closeFor(this, flags);
    if ((flags & frames::kCloseAll) != 0) connection->forgetChannel(this);
    return;
  }
  // One pass over the thread's connections: this is what `close()` of a server asks for, not something done per request.
  for (Connection* connection = thread_->firstConnection(); connection != nullptr;) {
    Connection* next = connection->nextConnection();
    if (!connection->isTaken()) {
      // One that was greeted and has sent no request yet is not idle for node:http either.
      const bool greeted = connection->lastShard() == nullptr && connection->knows(this);
      if (connection->lastShard() == shard_ || (greeted && (flags & frames::kCloseAll) != 0)) connection->closeFor(this, flags);
      // What stays open for others is closed to this application: it is told of it anew with its next request.
      if ((flags & frames::kCloseAll) != 0) connection->forgetChannel(this);
    }
    connection = next;
  }
}

}  // namespace httpsys
