#include <sys/stat.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

#include "portable/local_listen.h"

namespace httpsys {

int listenOnPath(const std::string& path, int backlog, Socket* out) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const bool abstract = !path.empty() && path[0] == '\0';
  if (path.empty() || path.size() > sizeof address.sun_path - (abstract ? 0 : 1)) return UV_ENAMETOOLONG;
  std::memcpy(address.sun_path, path.data(), path.size());
  // The length of an abstract name is part of it. Node 20's libuv (1.46) takes the whole field for the name, the later ones only what is
  // given; clients of the same Node must find us.
  constexpr unsigned kExactNames = 0x012f00;  // 1.47
  const size_t size = abstract && uv_version() >= kExactNames ? offsetof(sockaddr_un, sun_path) + path.size() : sizeof address;
  const Socket socket = openSocket(AF_UNIX);
  if (socket == kNoSocket) return lastError();
  int error = 0;
  bool bound = false;
  if (::bind(socket, reinterpret_cast<sockaddr*>(&address), static_cast<socklen_t>(size)) == 0) {
    bound = true;
    if (::listen(socket, backlog) != 0) error = lastError();
  } else {
    error = lastError();
    // libuv reports a missing folder so, for the likeness with Windows.
    if (error == UV_ENOENT) error = UV_EACCES;
  }
  if (error == 0) {
    *out = socket;
    return 0;
  }
  closeSocket(socket);
  if (bound && !abstract) ::unlink(path.c_str());
  return error;
}

int adoptListening(Socket descriptor, bool duplicate, int backlog, Socket* out) {
  int type = 0;
  socklen_t size = sizeof type;
  if (getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM) return UV_EINVAL;
  const Socket socket = duplicate ? fcntl(descriptor, F_DUPFD_CLOEXEC, 0) : descriptor;
  if (socket < 0) return lastError();
  const int flags = fcntl(socket, F_GETFL);
  if (flags >= 0 && fcntl(socket, F_SETFL, flags | O_NONBLOCK) == 0 && ::listen(socket, backlog) == 0) {
    *out = socket;
    return 0;
  }
  const int error = lastError();
  closeSocket(socket);
  return error;
}

int sharePort(Socket socket) {
#if defined(SO_REUSEPORT_LB)
  const int option = SO_REUSEPORT_LB;
#elif defined(__linux__)
  const int option = SO_REUSEPORT;
#else
  return UV_ENOTSUP;
#endif
#if defined(SO_REUSEPORT_LB) || defined(__linux__)
  const int on = 1;
  return setsockopt(socket, SOL_SOCKET, option, &on, sizeof on) == 0 ? 0 : lastError();
#endif
}

}  // namespace httpsys
