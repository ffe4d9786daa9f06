#include "portable/local_listen.h"

namespace httpsys {

int listenOnPath(const std::string&, int, Socket*) { return UV_ENOTSUP; }
int adoptListening(Socket, bool, int, Socket*) { return UV_ENOTSUP; }
int sharePort(Socket) { return UV_ENOTSUP; }

}  // namespace httpsys
