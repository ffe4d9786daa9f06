// socket_calls.h for POSIX.
#pragma once

#include <fcntl.h>
#ifdef __linux__
#include <sys/sendfile.h>
#endif
#include <sys/uio.h>
#include <unistd.h>
#include <uv.h>

#include <cerrno>

namespace httpsys {

using Socket = uv_os_sock_t;
constexpr Socket kNoSocket = -1;

#ifdef MSG_NOSIGNAL
constexpr int kSendFlags = MSG_NOSIGNAL;
#else
constexpr int kSendFlags = 0;  // SO_NOSIGPIPE does it
#endif

using SendPart = iovec;
inline SendPart sendPart(const char* data, size_t length) { return SendPart{const_cast<char*>(data), length}; }

inline ptrdiff_t receive(Socket socket, char* buffer, size_t room) { return recv(socket, buffer, room, 0); }
inline ptrdiff_t send(Socket socket, const char* data, size_t length) { return ::send(socket, data, length, kSendFlags); }
inline ptrdiff_t sendParts(Socket socket, SendPart* parts, int count) {
  if (count == 1) return ::send(socket, parts[0].iov_base, parts[0].iov_len, kSendFlags);
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(count);
  return sendmsg(socket, &message, kSendFlags);
}

#ifdef __linux__
constexpr bool kSendsFiles = true;
inline ptrdiff_t sendFile(Socket socket, uv_file file, uint64_t offset, size_t length) {
  off_t at = static_cast<off_t>(offset);
  return sendfile(socket, file, &at, length);
}
// The file system has no way to a socket.
inline bool mustReadFile() { return errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP; }
#else
constexpr bool kSendsFiles = false;
inline ptrdiff_t sendFile(Socket, uv_file, uint64_t, size_t) { return -1; }
inline bool mustReadFile() { return true; }
#endif

inline int lastError() { return uv_translate_sys_error(errno); }
inline bool interrupted() { return errno == EINTR; }
inline bool mayTryAgain() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == EINTR; }
inline bool clientLeft() { return errno == ECONNABORTED || errno == EINTR; }
inline bool outOfDescriptors() { return errno == EMFILE || errno == ENFILE; }

inline void closeSocket(Socket socket) { ::close(socket); }
inline void shutdownSending(Socket socket) { shutdown(socket, SHUT_WR); }

#ifndef SOCK_CLOEXEC
inline Socket prepared(Socket socket) {
  if (socket >= 0) {
    fcntl(socket, F_SETFD, FD_CLOEXEC);
    fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);
  }
  return socket;
}
#endif

inline Socket openSocket(int family) {
#ifdef SOCK_CLOEXEC
  return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
#else
  return prepared(socket(family, SOCK_STREAM, 0));
#endif
}

inline Socket acceptSocket(Socket listening) {
#ifdef SOCK_CLOEXEC
  return accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
  return prepared(accept(listening, nullptr, nullptr));
#endif
}

// A port whose last connections are in TIME_WAIT is free; one that is listened on is not.
inline void prepareToListen(Socket socket) {
  const int on = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
}

inline void setKeepAlive(Socket socket, int idleSeconds, int intervalSeconds, int probes) {
  const int on = 1;
  setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
#if defined(TCP_KEEPIDLE)
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idleSeconds, sizeof idleSeconds);
#elif defined(TCP_KEEPALIVE)
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPALIVE, &idleSeconds, sizeof idleSeconds);
#endif
#if defined(TCP_KEEPINTVL) && defined(TCP_KEEPCNT)
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &intervalSeconds, sizeof intervalSeconds);
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
#endif
}

inline void prepareConnection(Socket socket) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
#ifdef SO_NOSIGPIPE
  setsockopt(socket, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
}

class SpareDescriptor {
 public:
  SpareDescriptor() { take(); }
  ~SpareDescriptor() { release(); }
  SpareDescriptor(const SpareDescriptor&) = delete;
  SpareDescriptor& operator=(const SpareDescriptor&) = delete;

  bool held() const { return fd_ >= 0; }
  void take() { fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
  void release() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

}  // namespace httpsys
