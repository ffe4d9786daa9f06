// Listening sockets of a kind only POSIX has: at a path, on a descriptor that came from elsewhere, on a port that several sockets share.
// On Windows each fails with UV_ENOTSUP. Results are 0 or a libuv code.
#pragma once

#include <string>

#include "portable/socket_calls.h"

namespace httpsys {

// Unlike the service's own sockets, what is at the path stays: UV_EADDRINUSE.
int listenOnPath(const std::string& path, int backlog, Socket* out);
// A descriptor that is no stream socket is UV_EINVAL, as with node:net.
int adoptListening(Socket descriptor, bool duplicate, int backlog, Socket* out);
// Before the bind; where the kernel would not spread connections, UV_ENOTSUP as libuv has it.
int sharePort(Socket socket);

}  // namespace httpsys
