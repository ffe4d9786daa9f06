#include "portable/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "portable/engine.h"
#include "portable/io_thread.h"
#include "portable/limits.h"

namespace httpsys {

int openSocket(int family) {
#ifdef SOCK_CLOEXEC
  return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
#else
  const int fd = socket(family, SOCK_STREAM, 0);
  if (fd >= 0) {
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  }
  return fd;
#endif
}

namespace {

bool failed(int fd, const char* syscall, SystemError* error) {
  error->code = errno;
  error->syscall = syscall;
  if (fd >= 0) ::close(fd);
  return false;
}

bool tryBind(const sockaddr* address, socklen_t size, bool dual, int backlog, BoundSocket* out, SystemError* error) {
  const int fd = openSocket(address->sa_family);
  if (fd < 0) return failed(fd, "socket", error);
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address->sa_family == AF_INET6) {
    int only = dual ? 0 : 1;
    if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only) != 0) return failed(fd, "setsockopt", error);
  }
  // Node names the call `listen` whichever of the two fails.
  if (bind(fd, address, size) != 0 || listen(fd, backlog) != 0) return failed(fd, "listen", error);
  sockaddr_storage bound{};
  socklen_t boundSize = sizeof bound;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &boundSize) != 0) return failed(fd, "getsockname", error);
  out->fd = fd;
  out->port = ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port
                                                : reinterpret_cast<sockaddr_in*>(&bound)->sin_port);
  return true;
}

}  // namespace

bool bindAndListen(const std::string& host, uint16_t port, int backlog, BoundSocket* out, SystemError* error) {
  if (host.empty()) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    if (tryBind(reinterpret_cast<sockaddr*>(&v6), sizeof v6, true, backlog, out, error)) return true;
    // Only a machine without IPv6 falls back; a port that is taken is an error.
    if (error->code != EAFNOSUPPORT && error->code != EINVAL && error->code != EADDRNOTAVAIL && error->code != EPROTONOSUPPORT) return false;
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    return tryBind(reinterpret_cast<sockaddr*>(&v4), sizeof v4, false, backlog, out, error);
  }
  // Numeric only: names are resolved above, where waiting is allowed. It also reads the zone of a link-local address.
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0 || found == nullptr) {
    errno = EINVAL;
    return failed(-1, "listen", error);
  }
  sockaddr_storage address{};
  const socklen_t size = found->ai_addrlen;
  std::memcpy(&address, found->ai_addr, size);
  freeaddrinfo(found);
  if (address.ss_family == AF_INET6) {
    reinterpret_cast<sockaddr_in6*>(&address)->sin6_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in*>(&address)->sin_port = htons(port);
  }
  // "::" takes IPv4 clients too, as node:net does.
  const bool dual = address.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&reinterpret_cast<sockaddr_in6*>(&address)->sin6_addr);
  return tryBind(reinterpret_cast<sockaddr*>(&address), size, dual, backlog, out, error);
}

int acceptNonBlocking(int fd) {
#ifdef SOCK_CLOEXEC
  return accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
  const int client = accept(fd, nullptr, nullptr);
  if (client >= 0) {
    fcntl(client, F_SETFD, FD_CLOEXEC);
    fcntl(client, F_SETFL, fcntl(client, F_GETFL) | O_NONBLOCK);
  }
  return client;
#endif
}

Listener::Listener(IoThread* thread, const std::string& host, const BoundSocket& socket)
    : thread_(thread), host_(host), port_(socket.port), fd_(socket.fd), spareFd_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {}

int Listener::start(bool referenced) {
  const int result = uv_poll_init(thread_->loop(), &poll_, fd_);
  if (result != 0) return result;
  poll_.data = this;
  thread_->handleOpened();
  setReferenced(referenced || thread_->threaded());
  return poll();
}

int Listener::poll() {
  return uv_poll_start(&poll_, UV_READABLE, [](uv_poll_t* poll, int status, int) {
    if (status == 0) static_cast<Listener*>(poll->data)->onReadable();
  });
}

void Listener::setReferenced(bool referenced) {
  uv_handle_t* handle = reinterpret_cast<uv_handle_t*>(&poll_);
  referenced ? uv_ref(handle) : uv_unref(handle);
}

void Listener::closeAndDelete() {
  thread_->timers.remove(this);
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_), [](uv_handle_t* handle) {
    Listener* self = static_cast<Listener*>(handle->data);
    IoThread* thread = self->thread_;
    delete self;
    thread->handleClosed();
  });
  ::close(fd_);
  if (spareFd_ >= 0) ::close(spareFd_);
}

void Listener::abandon() {
  ::close(fd_);
  if (spareFd_ >= 0) ::close(spareFd_);
  delete this;
}

void Listener::onReadable() {
  for (int i = 0; i < limits::kAcceptBatch; ++i) {
    const int client = acceptNonBlocking(fd_);
    if (client >= 0) {
      thread_->engine()->place(client);
      continue;
    }
    if (errno == EMFILE || errno == ENFILE) {
      refuseOne();
      return;
    }
    // A client that left before it was accepted is no reason to stop.
    if (errno != ECONNABORTED && errno != EINTR) return;
  }
}

void Listener::refuseOne() {
  thread_->counters.reject("Descriptors");
  if (spareFd_ >= 0) {
    ::close(spareFd_);
    const int client = acceptNonBlocking(fd_);
    if (client >= 0) ::close(client);
  }
  spareFd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (spareFd_ >= 0) return;
  // Another thread took the last descriptor: look again a little later.
  uv_poll_stop(&poll_);
  thread_->timers.set(this, thread_->nowMs() + limits::kAcceptPauseMs);
}

void Listener::onDeadline() { poll(); }

}  // namespace httpsys
