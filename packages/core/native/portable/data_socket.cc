#include "portable/data_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/frame_writer.h"
#include "portable/engine.h"
#include "portable/io_thread.h"
#include "portable/limits.h"
#include "portable/request_queue.h"

namespace httpsys {

namespace {

constexpr uint16_t kAttachRefused = 1;
constexpr int kBacklog = 128;

#ifdef MSG_NOSIGNAL
constexpr int kSendFlags = MSG_NOSIGNAL;
#else
constexpr int kSendFlags = 0;
#endif

}  // namespace

bool peerOf(int fd, int64_t* pid, uint32_t* uid) {
#if defined(__linux__)
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  *pid = peer.pid;
  *uid = peer.uid;
  return true;
#else
  uid_t user;
  gid_t group;
  if (getpeereid(fd, &user, &group) != 0) return false;
  *uid = user;
  *pid = 0;
#if defined(LOCAL_PEERPID)
  pid_t process = 0;
  socklen_t size = sizeof process;
  if (getsockopt(fd, SOL_LOCAL, LOCAL_PEERPID, &process, &size) == 0) *pid = process;
#endif
  return true;
#endif
}

PipeChannel::PipeChannel(IoThread* thread, uint32_t id, int fd) : Channel(thread, id), fd_(fd) {}

void PipeChannel::start() {
  watcher_ = new Watcher();
  watcher_->channel = this;
  watcher_->thread = thread_;
  thread_->addChannel(this);
  thread_->handleOpened();
  if (uv_poll_init(thread_->loop(), &watcher_->poll, fd_) != 0) {
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
  const ssize_t got = recv(fd_, buffer, room, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR || errno == EWOULDBLOCK)) return;
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
  if (!handleFrames(reinterpret_cast<const uint8_t*>(data), length, &used)) {
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

bool PipeChannel::onAttach(const frames::Header& header, const uint8_t* body, size_t length) {
  if (attached()) return fail("ATTACH on an attached channel");
  if (length != frames::kAttachKeyBytes + 4) return fail("ATTACH with a body of " + std::to_string(length) + " bytes");
  const unsigned theirs = header.aux & 0xff;
  if (theirs != frames::kProtocolMajor) {
    return fail("protocol " + std::to_string(theirs) + "." + std::to_string(header.aux >> 8) + " is not " +
                std::to_string(frames::kProtocolMajor) + "." + std::to_string(frames::kProtocolMinor));
  }
  std::memcpy(key_.data(), body, key_.size());
  uint32_t queueId = 0;
  QueueShard* shard = thread_->engine()->queueOfKey(key_, &queueId) ? thread_->shard(queueId) : nullptr;
  if (shard == nullptr) return fail("unknown key");
  thread_->timers.remove(this);
  appendFrame(out(), frames::kAttached, 0, 0, 0);
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
    const ssize_t wrote = send(fd_, out->data(), out->size(), kSendFlags);
    if (wrote < 0) {
      if (errno == EINTR) continue;
      // A broken socket is met by the reading side, which ends the channel.
      if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS) out->clear();
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
  ::close(fd_);
}

SocketServer::SocketServer(IoThread* thread, const std::string& path) : thread_(thread), path_(path) {}

bool SocketServer::open(SystemError* error) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  error->syscall = "listen";
  if (path_.empty() || path_.size() >= sizeof address.sun_path) {
    error->code = ENAMETOOLONG;
    return false;
  }
  std::memcpy(address.sun_path, path_.data(), path_.size());
  fd_ = openSocket(AF_UNIX);
  if (fd_ >= 0) {
    // The directory is private to the user; a leftover of a service that was killed may be replaced.
    unlink(path_.c_str());
    if (bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 && chmod(path_.c_str(), S_IRUSR | S_IWUSR) == 0 &&
        ::listen(fd_, kBacklog) == 0) {
      return true;
    }
  }
  error->code = errno;
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  return false;
}

int SocketServer::start() {
  const int result = uv_poll_init(thread_->loop(), &poll_, fd_);
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
    const int fd = acceptNonBlocking(fd_);
    if (fd < 0) {
      if (errno != EMFILE && errno != ENFILE) return;
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
    if (!peerOf(fd, &pid, &uid) || uid != geteuid() || waiting >= limits::kUnattachedMax) {
      thread_->counters.reject("Channel");
      ::close(fd);
      continue;
    }
    (new PipeChannel(thread_, nextId_++, fd))->start();
  }
}

void SocketServer::abandon() {
  if (fd_ >= 0) {
    ::unlink(path_.c_str());
    ::close(fd_);
  }
  delete this;
}

void SocketServer::closeAndDelete() {
  thread_->timers.remove(this);
  ::unlink(path_.c_str());
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_), [](uv_handle_t* handle) {
    SocketServer* self = static_cast<SocketServer*>(handle->data);
    IoThread* thread = self->thread_;
    delete self;
    thread->handleClosed();
  });
  ::close(fd_);
}

}  // namespace httpsys
