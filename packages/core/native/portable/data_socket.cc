#include "portable/data_socket.h"

#include <algorithm>
#include <cstring>

#include "common/frame_writer.h"
#include "portable/engine.h"
#include "portable/io_thread.h"
#include "portable/limits.h"
#include "portable/request_queue.h"
#include "portable/service_calls.h"

namespace httpsys {

namespace {

constexpr uint16_t kAttachRefused = 1;
constexpr int kBacklog = 128;

}  // namespace

PipeChannel::PipeChannel(IoThread* thread, uint32_t id, Socket socket) : Channel(thread, id), socket_(socket) {}

void PipeChannel::start() {
  watcher_ = new Watcher();
  watcher_->channel = this;
  watcher_->thread = thread_;
  thread_->addChannel(this);
  thread_->handleOpened();
  if (uv_poll_init_socket(thread_->loop(), &watcher_->poll, socket_) != 0) {
    delete watcher_;
    watcher_ = nullptr;
    thread_->handleClosed();
    end();
    return;
  }
  watcher_->poll.data = watcher_;
  thread_->timers.set(this, thread_->nowMs() + limits::kAttachMs);
  watch(UV_READABLE);
}

void PipeChannel::watch(int events) {
  if (watched_ == events) return;
  watched_ = events;
  uv_poll_start(&watcher_->poll, events, onPoll);
}

void PipeChannel::onPoll(uv_poll_t* poll, int status, int events) {
  Watcher* watcher = static_cast<Watcher*>(poll->data);
  PipeChannel* self = watcher->channel;
  if (self == nullptr) return;
  if (status < 0) {
    self->end();
    return;
  }
  if ((events & UV_WRITABLE) != 0) self->flush();
  if ((events & UV_READABLE) != 0 && self->open()) self->onReadable();
}

void PipeChannel::onReadable() {
  ByteBuffer& scratch = thread_->channelBuffer();
  char* buffer;
  size_t room = limits::kChannelReadBytes;
  if (in_.empty()) {
    scratch.clear();
    buffer = scratch.reserve(room);
  } else {
    // The rest of a large frame is read to where it belongs, at once.
    if (in_.size() >= frames::kHeaderBytes) {
      const uint32_t length = frames::load32(reinterpret_cast<const uint8_t*>(in_.data()));
      if (length > in_.size()) room = std::max<size_t>(room, length - in_.size());
    }
    buffer = in_.reserve(room);
  }
  const ptrdiff_t got = receive(socket_, buffer, room);
  if (got < 0 && mayTryAgain()) return;
  if (got <= 0) {
    end();
    thread_->settleConnections();
    return;
  }
  const bool gathered = !in_.empty();
  if (gathered) in_.commit(static_cast<size_t>(got));
  const char* data = gathered ? in_.data() : buffer;
  const size_t length = gathered ? in_.size() : static_cast<size_t>(got);
  size_t used = 0;
  if (!takeBytes(reinterpret_cast<const uint8_t*>(data), length, &used)) {
    endWith(error());
  } else if (open()) {
    if (gathered) {
      in_.consume(used);
    } else if (used < length) {
      in_.append(data + used, length - used);
    }
    if (in_.empty() && in_.capacity() > limits::kPooledBufferBytes) in_.release();
  }
  thread_->settleConnections();
}

// The rest of a DATA frame, whole frames, and the beginning of a DATA frame; any other beginning is left to be gathered.
bool PipeChannel::takeBytes(const uint8_t* data, size_t length, size_t* used) {
  *used = 0;
  if (inData() && !continueData(data, length, used)) return false;
  size_t taken = 0;
  if (!open()) return true;
  const bool ok = handleFrames(data + *used, length - *used, &taken);
  *used += taken;
  if (!ok || !open()) return ok;
  const size_t begun = beginData(data + *used, length - *used);
  if (begun == 0) return true;
  *used += begun;
  const bool more = continueData(data + *used, length - *used, &taken);
  *used += taken;
  return more;
}

bool PipeChannel::onAttach(const frames::Header& header, const uint8_t* body, size_t length) {
  if (attached()) return fail("ATTACH on an attached channel");
  if (length != frames::kAttachKeyBytes + 4) return fail("ATTACH with a body of " + std::to_string(length) + " bytes");
  const unsigned theirs = header.aux & 0xff;
  if (theirs != frames::kProtocolMajor) {
    return fail("protocol " + std::to_string(theirs) + "." + std::to_string(header.aux >> 8) + " is not " +
                std::to_string(frames::kProtocolMajor) + "." + std::to_string(frames::kProtocolMinor));
  }
  minor_ = static_cast<uint8_t>(header.aux >> 8);
  std::memcpy(key_.data(), body, key_.size());
  uint32_t queueId = 0;
  QueueShard* shard = thread_->engine()->queueOfKey(key_, &queueId) ? thread_->shard(queueId) : nullptr;
  if (shard == nullptr) return fail("unknown key");
  thread_->timers.remove(this);
  appendFrame(out(), frames::kAttached, frames::kProtocolMinor, 0, 0);
  attachTo(shard, frames::load32(body + frames::kAttachKeyBytes));
  return true;
}

void PipeChannel::endWith(const std::string& why) {
  if (!open()) return;
  thread_->counters.reject("Channel");
  appendFrame(out(), frames::kAttached, 0, kAttachRefused, 0, why);
  transmit(out());
  end();
}

void PipeChannel::onDeadline() { endWith("no ATTACH within " + std::to_string(limits::kAttachMs) + " ms"); }

void PipeChannel::transmit(ByteBuffer* out) {
  while (!out->empty()) {
    const ptrdiff_t wrote = send(socket_, out->data(), out->size());
    if (wrote < 0) {
      if (interrupted()) continue;
      // A broken socket is met by the reading side, which ends the channel.
      if (!mayTryAgain()) out->clear();
      break;
    }
    const bool all = static_cast<size_t>(wrote) == out->size();
    out->consume(static_cast<size_t>(wrote));
    if (!all) break;
  }
  if (out->empty() && out->capacity() > limits::kChannelReadBytes) out->release();
  if (watcher_ != nullptr) watch(out->empty() ? UV_READABLE : UV_READABLE | UV_WRITABLE);
}

void PipeChannel::closeTransport() {
  thread_->timers.remove(this);
  if (watcher_ != nullptr) {
    watcher_->channel = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&watcher_->poll), [](uv_handle_t* handle) {
      Watcher* watcher = static_cast<Watcher*>(handle->data);
      IoThread* thread = watcher->thread;
      delete watcher;
      thread->handleClosed();
    });
    watcher_ = nullptr;
  }
  closeSocket(socket_);
}

SocketServer::SocketServer(IoThread* thread, const std::string& path) : thread_(thread), path_(path) {}

bool SocketServer::open(SystemError* error) {
  error->syscall = "listen";
  error->code = openPathSocket(path_, kBacklog, &socket_);
  return error->code == 0;
}

int SocketServer::start() {
  const int result = uv_poll_init_socket(thread_->loop(), &poll_, socket_);
  if (result != 0) return result;
  poll_.data = this;
  thread_->handleOpened();
  return poll();
}

int SocketServer::poll() {
  return uv_poll_start(&poll_, UV_READABLE, [](uv_poll_t* poll, int status, int) {
    if (status == 0) static_cast<SocketServer*>(poll->data)->onReadable();
  });
}

void SocketServer::onReadable() {
  for (;;) {
    const Socket peer = acceptSocket(socket_);
    if (peer == kNoSocket) {
      if (!outOfDescriptors()) return;
      // The process that waits stays readable: without a pause the loop would spin until a descriptor is free.
      thread_->counters.reject("Descriptors");
      uv_poll_stop(&poll_);
      thread_->timers.set(this, thread_->nowMs() + limits::kAcceptPauseMs);
      return;
    }
    int64_t pid = 0;
    uint32_t uid = 0;
    size_t waiting = 0;
    for (Channel* channel : thread_->channels()) waiting += channel->shard() == nullptr ? 1 : 0;
    if (peerOf(peer, &pid, &uid) != 0 || uid != ownUser() || waiting >= limits::kUnattachedMax) {
      thread_->counters.reject("Channel");
      closeSocket(peer);
      continue;
    }
    (new PipeChannel(thread_, nextId_++, peer))->start();
  }
}

void SocketServer::abandon() {
  if (socket_ != kNoSocket) {
    removePath(path_);
    closeSocket(socket_);
  }
  delete this;
}

void SocketServer::closeAndDelete() {
  thread_->timers.remove(this);
  removePath(path_);
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_), [](uv_handle_t* handle) {
    SocketServer* self = static_cast<SocketServer*>(handle->data);
    IoThread* thread = self->thread_;
    delete self;
    thread->handleClosed();
  });
  closeSocket(socket_);
}

}  // namespace httpsys
