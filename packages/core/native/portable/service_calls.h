// Calls of the service process that are POSIX's. There is no service on Windows, where HTTP.SYS does its work: each fails with UV_ENOTSUP.
// Results are 0 or a libuv code.
#pragma once

#include <cstdint>
#include <string>

#include "portable/socket_calls.h"

namespace httpsys {

// A listening socket at a path of the file system, for this user alone; what was left there is replaced.
int openPathSocket(const std::string& path, int backlog, Socket* out);
void removePath(const std::string& path);

// The process at the other end of a connected path socket.
int peerOf(Socket socket, int64_t* pid, uint32_t* uid);
uint32_t ownUser();

// An exclusive advisory lock without waiting; UV_EAGAIN when another process has it.
int lockFile(int fd);

}  // namespace httpsys
