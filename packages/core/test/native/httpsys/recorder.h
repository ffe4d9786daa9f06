// The recording layer: stands between the driver and the HTTP Server API (the replacement point of http_functions.h) and holds every call against
// the rules of http-server-api.md: structures, flags, order, and memory that must stay as it is until a call has ended. A checker of what the
// driver sends; it is no proof that Windows accepts it. Linked into test builds only: in front of the scripted kernel on Linux, and in front of
// Wine's httpapi.dll (the folder wine).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "httpsys/http_functions.h"

namespace httpsys {
namespace recorder {

// Puts the layer in front of what the table has.
void wrap(HttpFunctions* table, Capabilities* capabilities);

// "SEND-5: what was wrong", in the order of the calls, since the last time.
std::vector<std::string> takeViolations();
// Each is told as it is found, under the layer's lock, and not kept.
void reportTo(void (*report)(const std::string& violation));
// Calls that were checked.
uint64_t callsChecked();
// Also what must hold once everything is closed.
void checkEnd();
// The process has ended: so has what it had.
void forgetAll();
// The driver's, for tests that switch some off; only while no queue is open.
Capabilities* capabilities();

// Told by whoever stands in for the completion port's calls. `error` is a Win32 code.
void packetTaken(OVERLAPPED* overlapped, ULONG error, ULONG bytes);
void modesSet(HANDLE queue, bool skips);
// Told by the file system's.
void fileOpened(HANDLE file, DWORD access, DWORD share, DWORD disposition, DWORD flags);
void fileClosed(HANDLE file);

}  // namespace recorder
}  // namespace httpsys
