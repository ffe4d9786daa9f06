#include "portable/service_calls.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>

namespace httpsys {

int openPathSocket(const std::string& path, int backlog, Socket* out) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) return UV_ENAMETOOLONG;
  std::memcpy(address.sun_path, path.data(), path.size());
  const Socket socket = openSocket(AF_UNIX);
  if (socket == kNoSocket) return lastError();
  // The directory is private to the user; a leftover of a service that was killed may be replaced.
  ::unlink(path.c_str());
  if (::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 && ::chmod(path.c_str(), S_IRUSR | S_IWUSR) == 0 &&
      ::listen(socket, backlog) == 0) {
    *out = socket;
    return 0;
  }
  const int error = lastError();
  closeSocket(socket);
  return error;
}

void removePath(const std::string& path) { ::unlink(path.c_str()); }

int peerOf(Socket socket, int64_t* pid, uint32_t* uid) {
#if defined(__linux__)
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return lastError();
  *pid = peer.pid;
  *uid = peer.uid;
#else
  uid_t user;
  gid_t group;
  if (getpeereid(socket, &user, &group) != 0) return lastError();
  *uid = user;
  *pid = 0;
#if defined(LOCAL_PEERPID)
  pid_t process = 0;
  socklen_t size = sizeof process;
  if (getsockopt(socket, SOL_LOCAL, LOCAL_PEERPID, &process, &size) == 0) *pid = process;
#endif
#endif
  return 0;
}

uint32_t ownUser() { return geteuid(); }

int lockFile(int fd) {
  int result;
  do {
    result = flock(fd, LOCK_EX | LOCK_NB);
  } while (result != 0 && interrupted());
  return result == 0 ? 0 : lastError();
}

}  // namespace httpsys
