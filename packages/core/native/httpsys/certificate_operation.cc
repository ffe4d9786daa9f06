#include "httpsys/certificate_operation.h"

#include "httpsys/driver_limits.h"
#include "httpsys/http_functions.h"
#include "httpsys/request_queue.h"

namespace httpsys {
namespace driver {

namespace {

// One that is larger counts as none, so there is no second try with more room.
constexpr ULONG kBytes = static_cast<ULONG>(sizeof(HTTP_SSL_CLIENT_CERT_INFO) + limits::kCertificateBytesMax);

}  // namespace

CertificateOperation::CertificateOperation(RequestQueue* queue, ReceiveOperation* receive)
    : queue_(queue), receive_(receive), buffer_(new uint64_t[kBytes / sizeof(uint64_t) + 1]()) {}

void CertificateOperation::start() {
  auto* const info = reinterpret_cast<HTTP_SSL_CLIENT_CERT_INFO*>(buffer_.get());
  queue_->loop().issue(this, [&](OVERLAPPED* overlapped, ULONG* returned) {
    return functions().ReceiveClientCertificate(queue_->handle(), receive_->request()->ConnectionId, 0, info, kBytes, returned, overlapped);
  });
}

// Whatever went wrong, the client has shown none (1168): what that means is the program's to say.
void CertificateOperation::completed(ULONG error, ULONG, bool) {
  queue_->certificateCame(this, error == NO_ERROR ? reinterpret_cast<const HTTP_SSL_CLIENT_CERT_INFO*>(buffer_.get()) : nullptr);
}

}  // namespace driver
}  // namespace httpsys
