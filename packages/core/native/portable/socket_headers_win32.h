// winsock2.h must come before windows.h, which libuv's header brings.
#pragma once

#include <winsock2.h>
#include <ws2tcpip.h>
