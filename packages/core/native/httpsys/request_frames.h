// HTTP_REQUEST as frames of the protocol (docs/frames.md).
#pragma once

#include <cstdint>
#include <string_view>

#include "common/byte_buffer.h"
#include "httpsys/http_api.h"

namespace httpsys {
namespace driver {

// What the driver itself acts on.
struct RequestFacts {
  bool http10 = false;
  bool http2 = false;  // or later: no chunks, no connection fields
  bool head = false;
  bool keepAlive = true;
  bool expectContinue = false;
  bool expectOther = false;
  bool upgrade = false;
  bool chunked = false;
  int64_t contentLength = -1;
  size_t copiedBytes = 0;  // of the body, with the head
  bool bodyDone = true;
};

RequestFacts factsOf(const HTTP_REQUEST& request);

// A CONNECTION frame with the addresses and, on https, what is known of the handshake.
// `certificate`: what the client has shown behind its handshake, or null.
void appendConnection(ByteBuffer* out, HANDLE queue, const HTTP_REQUEST& request, const HTTP_SSL_CLIENT_CERT_INFO* certificate,
                      uint32_t connectionId);

// A REQUEST frame with the body bytes that came with the head.
void appendRequest(ByteBuffer* out, const HTTP_REQUEST& request, const RequestFacts& facts, uint32_t id, uint32_t connectionId);

}  // namespace driver
}  // namespace httpsys
