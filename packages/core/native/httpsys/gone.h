// Which results of a call say that its client is gone, or the queue, and nothing about the call.
#pragma once

#include "httpsys/http_api.h"

namespace httpsys {
namespace driver {

// http-server-api.md section 14.
inline bool meansGone(ULONG error) {
  switch (error) {
    case ERROR_CONNECTION_INVALID:
    case ERROR_CONNECTION_ABORTED:
    case ERROR_NETNAME_DELETED:
    case ERROR_OPERATION_ABORTED:
    case ERROR_INVALID_HANDLE:
    case ERROR_BROKEN_PIPE:
      return true;
    default:
      return false;
  }
}

}  // namespace driver
}  // namespace httpsys
