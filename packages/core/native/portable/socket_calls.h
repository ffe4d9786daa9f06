// What the engine asks of a socket, inline, so that on POSIX each is the plain system call. Both platforms declare the same names:
//
//   Socket, kNoSocket      the system's handle
//   SendPart, sendPart     one piece of a gathered write
//   receive, send, sendParts    bytes, or -1: then mayTryAgain or interrupted tells whether the connection lives
//   kSendsFiles, sendFile, mustReadFile    from a file to a socket, where the system has a call for it; 0: the file has ended
//   openSocket             a stream socket that does not block and that no child process inherits, or kNoSocket
//   acceptSocket           the same for a client that waits
//   clientLeft, outOfDescriptors    why acceptSocket gave kNoSocket
//   setKeepAlive           has the system look after connections that say nothing
//   lastError              the libuv code of the call that failed last on this thread
//   SpareDescriptor        kept to accept, and turn away, a client when all others are in use
#pragma once

#include <cstddef>

#include "portable/socket_headers.h"

#ifdef _WIN32
#include "portable/socket_calls_win32.h"
#else
#include "portable/socket_calls_posix.h"
#endif

namespace httpsys {

// False: lastError says why.
template <typename T>
bool setSocketOption(Socket socket, int level, int name, const T& value) {
  return setsockopt(socket, level, name, reinterpret_cast<const char*>(&value), sizeof value) == 0;
}

// The next close sends RST.
inline void resetOnClose(Socket socket) {
  linger none{};
  none.l_onoff = 1;
  none.l_linger = 0;
  setSocketOption(socket, SOL_SOCKET, SO_LINGER, none);
}

}  // namespace httpsys
