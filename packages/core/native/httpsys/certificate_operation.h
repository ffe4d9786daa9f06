// Asks a client for its certificate behind the handshake, before its first request is handed over (http-server-api.md section 6.2).
#pragma once

#include <memory>

#include "httpsys/operation.h"
#include "httpsys/receive_operation.h"

namespace httpsys {
namespace driver {

class CertificateOperation final : public Operation {
 public:
  // `receive` has the request; it waits with its buffer as it is.
  CertificateOperation(RequestQueue* queue, ReceiveOperation* receive);

  void start();
  ReceiveOperation* receive() const { return receive_; }

  void completed(ULONG error, ULONG bytes, bool atOnce) override;

 private:
  RequestQueue* queue_;
  ReceiveOperation* receive_;
  // Of 64-bit words, for the structure in it.
  std::unique_ptr<uint64_t[]> buffer_;
};

}  // namespace driver
}  // namespace httpsys
