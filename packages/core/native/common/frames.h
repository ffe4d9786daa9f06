// The frame protocol between an engine and an application: docs/frames.md.
// Must be kept in step with src/queue/frames.ts; test/unit/frames.test.ts holds the two tables against each other.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace httpsys {
namespace frames {

constexpr uint8_t kProtocolMajor = 1;
constexpr uint8_t kProtocolMinor = 6;

// The first one in which DETACH is answered.
constexpr uint8_t kMinorWithDetached = 3;
// The first one in which a response may name a file.
constexpr uint8_t kMinorWithFiles = 4;
// The first one with fragments.
constexpr uint8_t kMinorWithFragments = 5;
// The first one with wide windows.
constexpr uint8_t kMinorWithWideWindows = 6;

// Every frame: u32 length of the whole frame, u8 type, u8 flags, u16 aux, u32 id; then the body. Little-endian.
constexpr uint32_t kHeaderBytes = 12;
// A frame longer than this is malformed: room for the largest cacheable response (an option up to 16 MiB) and its head.
constexpr uint32_t kFrameBytesMax = 17u * 1024 * 1024;
// Request body bytes the engine may send before the application asks for more.
constexpr uint32_t kBodyWindowBytes = 64 * 1024;
// Response body bytes the application may send beyond what the engine has drained.
constexpr uint32_t kResponseWindowBytes = 256 * 1024;
// The same for a request with kRequestWideWindow.
constexpr uint32_t kWideWindowBytes = 1024 * 1024;
constexpr uint32_t kAttachKeyBytes = 16;
// What CLIENT_ERROR shows of the client's bytes, and what RAW may answer in all.
constexpr uint32_t kClientErrorBytes = 16 * 1024;
constexpr uint32_t kRawBytesMax = 64 * 1024;
// Path of a file that is a body; the block it travels in has 16 bits for its length.
constexpr uint32_t kFilePathBytesMax = 32 * 1024;
// Name of a fragment, which is a URL.
constexpr uint32_t kFragmentNameBytesMax = 16 * 1024;

enum Type : uint8_t {
  // engine to application
  kConnection = 0x01,
  kRequest = 0x02,
  kBody = 0x03,
  kBodyEnd = 0x04,
  kAborted = 0x05,
  kConnectionClosed = 0x06,
  kAttached = 0x07,
  kClientError = 0x08,
  kDropped = 0x09,
  kRequestFacts = 0x0a,
  kDetached = 0x0b,
  kFragmentUsed = 0x0c,
  kFragmentAdded = 0x0d,
  // both directions
  kCredit = 0x10,
  kOpaque = 0x11,
  // application to engine
  kAttach = 0x20,
  kResponse = 0x21,
  kInformational = 0x22,
  kData = 0x23,
  kEnd = 0x24,
  kCancel = 0x25,
  kCloseConnections = 0x26,
  kDetach = 0x27,
  kRaw = 0x28,
  kAddFragment = 0x29,
  // control channel: bodies are JSON, ids correlate a reply with its request
  kHello = 0x40,
  kOpenQueue = 0x41,
  kAddUrl = 0x42,
  kRemoveUrl = 0x43,
  kSetProperty = 0x44,
  kFlushCache = 0x45,
  kQueryState = 0x46,
  kCloseQueue = 0x47,
  kReply = 0x4f,
};

// Tags of optional blocks.
enum ConnectionBlock : uint16_t { kBlockTls = 1, kBlockServerName = 2, kBlockClientCertificate = 3 };
enum FactsBlock : uint16_t { kBlockVersion = 1, kBlockUser = 2 };
enum ResponseBlock : uint16_t { kBlockFile = 1, kBlockFragment = 2 };

enum ConnectionFlags : uint8_t { kConnectionEncrypted = 0x01 };

enum RequestFlags : uint8_t {
  kRequestEnd = 0x01,             // the inline body is the whole body (or there is none)
  kRequestKeepAlive = 0x02,       // the connection may carry another request after this one
  kRequestHttp10 = 0x04,
  kRequestExpectContinue = 0x08,  // the client waits for a 100
  kRequestUpgrade = 0x10,         // Connection: upgrade with an Upgrade field
  kRequestChunked = 0x20,         // the body came with Transfer-Encoding: chunked
  kRequestExpectOther = 0x40,     // an Expect field other than 100-continue
  kRequestUnstorable = 0x80,      // the cache will not take its response, whatever its policy
};

// In the aux field of REQUEST, above the method code.
enum RequestAux : uint16_t { kRequestWideWindow = 0x0100 };

enum BodyFlags : uint8_t { kBodyIsLast = 0x01 };

enum ResponseFlags : uint8_t {
  kResponseEnd = 0x01,        // the inline body is the whole body
  kResponsePolicy = 0x02,     // a cache policy block is present
  kResponseNoDate = 0x04,     // do not add Date (sendDate = false)
  kResponseClose = 0x08,      // close the connection after this response
  kResponseOpaque = 0x10,        // the connection leaves HTTP: bytes follow as OPAQUE
  kResponseNoConnection = 0x20,  // add neither Connection nor Keep-Alive
  kResponseUntilClose = 0x40,    // a body whose length the block does not tell ends with the connection
  kResponseStays = 0x80,         // `Connection: close` in the block is only said
};

enum DataFlags : uint8_t { kDataEnd = 0x01 };

enum EndFlags : uint8_t { kEndKeepBody = 0x01 };  // the request's body is still being read

// Last: this side has sent everything. Close (application): what was sent leaves, then the connection ends; the request is finished.
enum OpaqueFlags : uint8_t { kOpaqueIsLast = 0x01, kOpaqueClose = 0x02 };

enum RawFlags : uint8_t { kRawIsLast = 0x01 };

enum CloseFlags : uint8_t { kCloseIdle = 0x01, kCloseAll = 0x02 };

enum AbortReason : uint16_t {
  kAbortClientClosed = 1,   // FIN before the response was complete
  kAbortClientReset = 2,
  kAbortTimeout = 3,        // entity body, drain or send rate timeout
  kAbortMalformedBody = 4,  // chunked framing broken, body longer than allowed
  kAbortResponse = 5,       // the application broke its own response (more bytes than Content-Length, bad header block)
  kAbortEngine = 6,         // the engine shuts down or lost the connection
};

// What is wrong with a client's bytes, as far as node:http has a code for it.
enum ClientErrorReason : uint16_t {
  kClientErrorOther = 0,
  kClientErrorMethod = 1,
  kClientErrorUrl = 2,
  kClientErrorVersion = 3,
  kClientErrorLineEnd = 4,       // LF without CR
  kClientErrorHeader = 5,
  kClientErrorHeaderOverflow = 6,
  kClientErrorContentLength = 7,
  kClientErrorTransferEncoding = 8,
  kClientErrorChunk = 9,
  kClientErrorRepeatedLength = 10,
  kClientErrorEof = 11,      // the client ended in the middle of a request
  kClientErrorTimeout = 12,  // a head or a request was not complete in time
  kClientErrorReset = 13,    // the client reset the connection: nothing can be sent any more
  kClientErrorLineFeed = 14,  // CR without LF
  kClientErrorChunkExtensions = 15,
};

enum PolicyKind : uint8_t { kPolicyNone = 0, kPolicyTimeToLive = 1, kPolicyUntilFlushed = 2 };

enum FragmentUse : uint16_t { kFragmentSent = 0, kFragmentMissing = 1 };

// What became of ADD_FRAGMENT.
enum FragmentResult : uint16_t {
  kFragmentStored = 0,
  kFragmentInvalid = 1,   // its name is no URL
  kFragmentTooLarge = 2,  // for the cache, or for what the queue may have cached
  kFragmentFailed = 3,    // the body has the Win32 code
};

struct Header {
  uint32_t length;
  uint8_t type;
  uint8_t flags;
  uint16_t aux;
  uint32_t id;
};

inline uint16_t load16(const uint8_t* p) { return static_cast<uint16_t>(p[0] | (p[1] << 8)); }
inline uint32_t load32(const uint8_t* p) {
  return static_cast<uint32_t>(p[0]) | (static_cast<uint32_t>(p[1]) << 8) | (static_cast<uint32_t>(p[2]) << 16) |
         (static_cast<uint32_t>(p[3]) << 24);
}
inline uint64_t load64(const uint8_t* p) { return load32(p) | (static_cast<uint64_t>(load32(p + 4)) << 32); }
inline void store16(uint8_t* p, uint16_t v) {
  p[0] = static_cast<uint8_t>(v);
  p[1] = static_cast<uint8_t>(v >> 8);
}
inline void store32(uint8_t* p, uint32_t v) {
  p[0] = static_cast<uint8_t>(v);
  p[1] = static_cast<uint8_t>(v >> 8);
  p[2] = static_cast<uint8_t>(v >> 16);
  p[3] = static_cast<uint8_t>(v >> 24);
}

inline Header loadHeader(const uint8_t* p) { return Header{load32(p), p[4], p[5], load16(p + 6), load32(p + 8)}; }
inline void storeHeader(uint8_t* p, uint32_t length, uint8_t type, uint8_t flags, uint16_t aux, uint32_t id) {
  store32(p, length);
  p[4] = type;
  p[5] = flags;
  store16(p + 6, aux);
  store32(p + 8, id);
}

}  // namespace frames
}  // namespace httpsys
