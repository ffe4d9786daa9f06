// Sockets as Windows names them; see windows.h.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "windows.h"

using SOCKET = int;
using SOCKADDR = sockaddr;
using SOCKADDR_IN = sockaddr_in;
using SOCKADDR_IN6 = sockaddr_in6;
constexpr SOCKET INVALID_SOCKET = -1;

struct WSADATA {
  WORD wVersion;
};

#define MAKEWORD(low, high) (static_cast<WORD>((low) | ((high) << 8)))
inline int WSAStartup(WORD, WSADATA*) { return 0; }
inline int WSACleanup() { return 0; }
inline int closesocket(SOCKET s) { return ::close(s); }
// Windows' length is an int.
inline int getsockname(SOCKET s, SOCKADDR* address, int* length) {
  socklen_t bytes = static_cast<socklen_t>(*length);
  const int result = ::getsockname(s, address, &bytes);
  *length = static_cast<int>(bytes);
  return result;
}
