#include "portable/listener.h"

#include <cstring>

#include "portable/engine.h"
#include "portable/io_thread.h"
#include "portable/limits.h"
#include "portable/local_listen.h"
#include "portable/service_calls.h"

namespace httpsys {

namespace {

bool failed(Socket socket, const char* syscall, int code, SystemError* error) {
  error->code = code;
  error->syscall = syscall;
  if (socket != kNoSocket) closeSocket(socket);
  return false;
}

struct BindFlags {
  bool ipv6Only = false;
  bool reusePort = false;
};

bool tryBind(const sockaddr* address, socklen_t size, bool dual, BindFlags flags, int backlog, BoundSocket* out, SystemError* error) {
  const Socket socket = openSocket(address->sa_family);
  if (socket == kNoSocket) return failed(socket, "socket", lastError(), error);
  prepareToListen(socket);
  if (flags.reusePort) {
    const int code = sharePort(socket);
    if (code != 0) return failed(socket, "listen", code, error);
  }
  // What is accepted inherits it. A failure leaves the system's own pace, or none.
  setKeepAlive(socket, limits::kKeepAliveIdleSeconds, limits::kKeepAliveIntervalSeconds, limits::kKeepAliveProbes);
  if (address->sa_family == AF_INET6) {
    const int only = dual && !flags.ipv6Only ? 0 : 1;
    if (!setSocketOption(socket, IPPROTO_IPV6, IPV6_V6ONLY, only)) return failed(socket, "setsockopt", lastError(), error);
  }
  // Node names the call `listen` whichever of the two fails.
  if (bind(socket, address, size) != 0 || listen(socket, backlog) != 0) return failed(socket, "listen", lastError(), error);
  sockaddr_storage bound{};
  socklen_t boundSize = sizeof bound;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &boundSize) != 0) {
    return failed(socket, "getsockname", lastError(), error);
  }
  out->socket = socket;
  out->port = ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port
                                                : reinterpret_cast<sockaddr_in*>(&bound)->sin_port);
  return true;
}

bool bindAddress(const std::string& host, uint16_t port, BindFlags flags, int backlog, BoundSocket* out, SystemError* error) {
  if (host.empty()) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    if (tryBind(reinterpret_cast<sockaddr*>(&v6), sizeof v6, true, flags, backlog, out, error)) return true;
    // Only a machine without IPv6 falls back; a port that is taken is an error.
    const bool none = error->code == UV_EAFNOSUPPORT || error->code == UV_EINVAL || error->code == UV_EADDRNOTAVAIL ||
                      error->code == UV_EPROTONOSUPPORT;
    if (!none || flags.ipv6Only) return false;
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    return tryBind(reinterpret_cast<sockaddr*>(&v4), sizeof v4, false, flags, backlog, out, error);
  }
  // Numeric only: names are resolved above, where waiting is allowed. It also reads the zone of a link-local address.
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0 || found == nullptr) {
    return failed(kNoSocket, "listen", UV_EINVAL, error);
  }
  sockaddr_storage address{};
  const socklen_t size = static_cast<socklen_t>(found->ai_addrlen);
  std::memcpy(&address, found->ai_addr, size);
  freeaddrinfo(found);
  if (address.ss_family == AF_INET6) {
    reinterpret_cast<sockaddr_in6*>(&address)->sin6_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in*>(&address)->sin_port = htons(port);
  }
  // "::" takes IPv4 clients too, as node:net does.
  const bool dual = address.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&reinterpret_cast<sockaddr_in6*>(&address)->sin6_addr);
  return tryBind(reinterpret_cast<sockaddr*>(&address), size, dual, flags, backlog, out, error);
}

}  // namespace

bool bindAndListen(const std::string& host, uint16_t port, int backlog, BoundSocket* out, SystemError* error) {
  return bindAddress(host, port, BindFlags(), backlog, out, error);
}

bool bindAlone(const LoneAddress& where, int backlog, BoundSocket* out, SystemError* error) {
  int code = 0;
  if (where.descriptor != kNoSocket) {
    code = adoptListening(where.descriptor, where.duplicate, backlog, &out->socket);
  } else if (!where.path.empty()) {
    code = listenOnPath(where.path, backlog, &out->socket);
    if (code == 0 && where.path[0] != '\0') out->path = where.path;
  } else {
    return bindAddress(where.host, where.port, BindFlags{where.ipv6Only, where.reusePort}, backlog, out, error);
  }
  return code == 0 || failed(kNoSocket, "listen", code, error);
}

Listener::Listener(IoThread* thread, const std::string& host, uint32_t port, uint32_t routeKey, const BoundSocket& socket)
    : thread_(thread), host_(host), port_(port), routeKey_(routeKey), socket_(socket.socket), path_(socket.path) {}

int Listener::start(bool referenced) {
  const int result = uv_poll_init_socket(thread_->loop(), &poll_, socket_);
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
  closeSocket(socket_);
  if (!path_.empty()) removePath(path_);
  spare_.release();
}

void Listener::abandon() {
  closeSocket(socket_);
  if (!path_.empty()) removePath(path_);
  delete this;
}

void Listener::onReadable() {
  for (int i = 0; i < limits::kAcceptBatch; ++i) {
    const Socket client = acceptSocket(socket_);
    if (client != kNoSocket) {
      thread_->engine()->place(client, routeKey_);
      continue;
    }
    if (outOfDescriptors()) {
      refuseOne();
      return;
    }
    // A client that left before it was accepted is no reason to stop.
    if (!clientLeft()) return;
  }
}

void Listener::refuseOne() {
  thread_->counters.reject("Descriptors");
  if (spare_.held()) {
    spare_.release();
    const Socket client = acceptSocket(socket_);
    if (client != kNoSocket) closeSocket(client);
  }
  spare_.take();
  if (spare_.held()) return;
  // Another thread took the last descriptor: look again a little later.
  uv_poll_stop(&poll_);
  thread_->timers.set(this, thread_->nowMs() + limits::kAcceptPauseMs);
}

void Listener::onDeadline() { poll(); }

}  // namespace httpsys
