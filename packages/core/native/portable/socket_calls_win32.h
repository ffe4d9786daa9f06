// socket_calls.h for Windows. libuv has started Winsock before any addon is loaded.
#pragma once

#include <uv.h>

#include <algorithm>
#include <climits>

namespace httpsys {

using Socket = uv_os_sock_t;
constexpr Socket kNoSocket = ~static_cast<Socket>(0);

using SendPart = WSABUF;
inline SendPart sendPart(const char* data, size_t length) {
  SendPart part;
  part.buf = const_cast<char*>(data);
  // More than fits is sent the next time, as with any partial write.
  part.len = static_cast<ULONG>(std::min<size_t>(length, INT_MAX));
  return part;
}

inline ptrdiff_t receive(Socket socket, char* buffer, size_t room) {
  return recv(socket, buffer, static_cast<int>(std::min<size_t>(room, INT_MAX)), 0);
}
inline ptrdiff_t send(Socket socket, const char* data, size_t length) {
  return ::send(socket, data, static_cast<int>(std::min<size_t>(length, INT_MAX)), 0);
}
inline ptrdiff_t sendParts(Socket socket, SendPart* parts, int count) {
  DWORD sent = 0;
  return WSASend(socket, parts, static_cast<DWORD>(count), &sent, 0, nullptr, nullptr) == 0 ? static_cast<ptrdiff_t>(sent) : -1;
}

constexpr bool kSendsFiles = false;
inline ptrdiff_t sendFile(Socket, uv_file, uint64_t, size_t) { return -1; }
inline bool mustReadFile() { return true; }

inline int lastError() { return uv_translate_sys_error(WSAGetLastError()); }
inline bool interrupted() { return WSAGetLastError() == WSAEINTR; }
inline bool mayTryAgain() {
  const int error = WSAGetLastError();
  return error == WSAEWOULDBLOCK || error == WSAENOBUFS || error == WSAEINTR;
}
// A client that reset while it waited is WSAECONNRESET here.
inline bool clientLeft() {
  const int error = WSAGetLastError();
  return error == WSAECONNRESET || error == WSAECONNABORTED || error == WSAEINTR;
}
inline bool outOfDescriptors() {
  const int error = WSAGetLastError();
  return error == WSAEMFILE || error == WSAENOBUFS;
}

inline void closeSocket(Socket socket) { closesocket(socket); }
inline void shutdownSending(Socket socket) { shutdown(socket, SD_SEND); }

inline Socket prepared(Socket socket) {
  if (socket == kNoSocket) return socket;
  u_long on = 1;
  ioctlsocket(socket, FIONBIO, &on);
  SetHandleInformation(reinterpret_cast<HANDLE>(socket), HANDLE_FLAG_INHERIT, 0);
  return socket;
}
inline Socket openSocket(int family) { return prepared(socket(family, SOCK_STREAM, 0)); }
inline Socket acceptSocket(Socket listening) { return prepared(accept(listening, nullptr, nullptr)); }

// SO_REUSEADDR would let any program take the port over; TIME_WAIT does not keep a port here.
inline void prepareToListen(Socket socket) {
  const BOOL on = TRUE;
  setsockopt(socket, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, reinterpret_cast<const char*>(&on), sizeof on);
}

// The system's own pace: the finer calls are not in every Windows that this runs on.
inline void setKeepAlive(Socket socket, int, int, int) {
  const BOOL on = TRUE;
  setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, reinterpret_cast<const char*>(&on), sizeof on);
}

inline void prepareConnection(Socket socket) {
  const BOOL on = TRUE;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, reinterpret_cast<const char*>(&on), sizeof on);
}

// Sockets are bounded by memory, not by a table: a spare one would help nobody, and the listener pauses instead.
class SpareDescriptor {
 public:
  bool held() const { return false; }
  void take() {}
  void release() {}
};

}  // namespace httpsys
