// The HTTP.SYS driver's fixed bounds: what no option changes. Bytes, milliseconds, counts.
#pragma once

#include <cstddef>
#include <cstdint>

namespace httpsys {
namespace driver {
namespace limits {

// Buffer of a pending receive: head, structures, and as much of the body as fits (RECV-2 asks for 16 KiB with Windows authentication).
constexpr uint32_t kReceiveBytes = 16 * 1024;
// The largest buffer a head may ask for: MaxRequestBytes goes to 16 MiB, and the structures need room beside it. Beyond: 431.
constexpr uint32_t kReceiveBytesMax = 20 * 1024 * 1024;
// Receives pending on one queue; the default is 5 for each processor.
constexpr uint32_t kPendingReceivesMax = 1024;
// Receives of the next request that may fail in a row before the channel is given up.
constexpr uint32_t kReceiveFailuresMax = 64;
// One read of a request body (BODY-4).
constexpr uint32_t kBodyReadBytesMax = 128 * 1024;
// Completion packets taken in one call.
constexpr uint32_t kCompletionsPerTurn = 64;
// Frames of a response up to this are copied for the time of their send; larger ones keep their batch, unless it is so many times larger.
constexpr size_t kCopyBytesMax = 4096;
constexpr size_t kKeepFactor = 4;
// Buffers of an exchange that are kept for the next one.
constexpr size_t kKeptBufferBytes = 64 * 1024;
// UnknownHeaderCount is a USHORT.
constexpr size_t kResponseFieldsMax = 65535;
// SecondsToLive (CACHE-32).
constexpr uint32_t kSecondsToLiveMax = 0x7fffffff;
// Exchange objects kept for reuse.
constexpr size_t kPooledExchanges = 1024;
// Where the system gives no notice of a closed connection: idle ones that are remembered.
constexpr size_t kIdleConnectionsMax = 1024;
// Bytes of the application's batches that may wait to be worked off.
constexpr size_t kInboxBytesMax = 256 * 1024 * 1024;
// Where a queue cannot be shut down, requests that were under way when the URLs went are answered for so long before receives are cancelled.
constexpr uint32_t kCloseGraceMs = 100;
// Sends under way when a queue closes, and then the packets of what was cancelled, are waited for so long.
constexpr uint32_t kCloseDrainMs = 5000;
// Ports tried for port 0.
constexpr int kFreePortAttempts = 32;
// Users whose names are remembered by their SID.
constexpr size_t kNamesKept = 1024;
// Clients that are asked for a certificate at a time; further ones count as having none.
constexpr size_t kCertificatesAskedMax = 64;
// A client certificate; a larger one is reported as absent.
constexpr size_t kCertificateBytesMax = 60 * 1024;

}  // namespace limits
}  // namespace driver
}  // namespace httpsys
