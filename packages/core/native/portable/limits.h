// The engine's fixed bounds: what no option changes. Bytes, milliseconds, counts.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/limits.h"

namespace httpsys {
namespace limits {

// One read() of a client socket; also the most a request may carry inline.
constexpr size_t kReadBytes = 64 * 1024;
// Bytes kept of a client that sends ahead (pipelining) while its response is pending; reading stops beyond.
constexpr size_t kPipelineBytes = 2 * kReadBytes;
// Pipelined requests are not looked at while more output than this waits for the client.
constexpr size_t kOutputHighBytes = 64 * 1024;
// From this size on, body bytes are handed to the kernel from where they are instead of being copied behind the head first.
constexpr size_t kDirectWriteBytes = 16 * 1024;
// A file is read in pieces of this size, or goes from the page cache to the socket in pieces of the other one; then it is another client's turn.
// One that fits a read travels with its head.
constexpr size_t kFileReadBytes = 64 * 1024;
constexpr size_t kFileSendBytes = 256 * 1024;
// The part of a response window that leaves before the application is told (CREDIT), unless everything has left: half of it, so that large
// bodies cost few frames and the other half is on its way meanwhile.
constexpr uint32_t kCreditStepsPerWindow = 2;
// Connections of an engine whose responses may have a wide window at a time: what slow clients can make it hold has a bound.
constexpr uint32_t kWideWindowsMax = 64;
// The same where channels are streams, in which what is small waits behind what is large.
constexpr uint32_t kWideWindowsStreamedMax = 4;
// Unread request body that is drained after an early response before the connection is given up (BODY-6).
constexpr uint64_t kDrainBytes = 1024 * 1024;
// After a page that ends a connection, the client may send this much, this long, and still read the page instead of a reset.
constexpr uint64_t kLingerBytes = 256 * 1024;
constexpr uint32_t kLingerMs = 2000;
// A client that sent FIN gets its answer if it comes within this time; then it counts as gone, for most clients never half-close.
constexpr uint32_t kHalfCloseMs = 500;
// The minimum send rate is measured over this period while output is blocked.
constexpr uint32_t kSendRatePeriodMs = 4000;

// One read() of a data channel.
constexpr size_t kChannelReadBytes = 256 * 1024;
// A channel whose process does not read gets no more requests beyond the first, and is ended beyond the second.
constexpr size_t kChannelOutputHighBytes = 4 * 1024 * 1024;
constexpr size_t kChannelOutputMaxBytes = 256 * 1024 * 1024;
// The largest response that any queue may have cached; what one has is its option.
constexpr uint32_t kCacheEntryBytesMax = 16 * 1024 * 1024;
// A data connection must show its key within this time; so many may be waiting to do so on one thread.
constexpr uint32_t kAttachMs = 5000;
constexpr size_t kUnattachedMax = 64;

// A client that has vanished without a word is noticed by TCP keep-alive: silence before the first probe, between probes, and how many.
constexpr int kKeepAliveIdleSeconds = 60;
constexpr int kKeepAliveIntervalSeconds = 10;
constexpr int kKeepAliveProbes = 6;
// A client that was handed to the program by CLIENT_ERROR gets its answer within this time.
constexpr uint32_t kRawMs = 120000;

// Connections accepted in one go, so that a storm of them does not starve those that are open.
constexpr int kAcceptBatch = 64;
// Pause of a listening socket while the process has no descriptor to spare.
constexpr uint32_t kAcceptPauseMs = 100;
// Objects and buffers kept for reuse per thread; a larger buffer than this is given back to the allocator.
constexpr size_t kPooledObjects = 1024;
constexpr size_t kPooledBuffers = 256;
constexpr size_t kPooledBufferBytes = 32 * 1024;
constexpr uint32_t kThreadsMax = 64;

}  // namespace limits
}  // namespace httpsys
