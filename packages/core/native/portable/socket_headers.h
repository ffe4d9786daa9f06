// Addresses and sockets as the system declares them. The only conditional include of this folder besides socket_calls.h: everything else
// of a platform is in files whose names end in _posix or _win32 (scripts/sources.js picks those that are compiled).
#pragma once

#ifdef _WIN32
#include "portable/socket_headers_win32.h"
#else
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#endif
