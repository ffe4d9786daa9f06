#include "portable/service_calls.h"

namespace httpsys {

int openPathSocket(const std::string&, int, Socket*) { return UV_ENOTSUP; }
void removePath(const std::string&) {}
int peerOf(Socket, int64_t*, uint32_t*) { return UV_ENOTSUP; }
// Nobody's: no peer is let in by it.
uint32_t ownUser() { return UINT32_MAX; }
int lockFile(int) { return UV_ENOTSUP; }

}  // namespace httpsys
