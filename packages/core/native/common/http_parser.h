// Strict HTTP/1.x request head and chunked body parsing (RFC 9112). Pure: no I/O, no allocation beyond the header vector.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace httpsys {

struct HeaderField {
  std::string_view name;   // as it came
  std::string_view value;  // without surrounding optional white space
  uint8_t nameId;          // frames name id: 0 other, 1..127 canonical spelling, |0x80 lower-case spelling
  uint8_t knownId;         // 1..127 for a known name in whatever spelling, else 0
};

struct ParserLimits {
  uint32_t requestLineBytes = 16384;
  uint32_t headerBytes = 16384;  // request line and fields together (MaxRequestBytes)
  uint32_t headerCount = 1000;   // as a guard against floods
  bool requireHost = true;       // RFC 9112 section 3.2; a program may waive it on a port of its own
  bool emptyHost = false;        // a Host without a value names nobody (RFC 9110 section 7.2): enough for a port that has one program
  bool requireLength = true;     // PARSE-9; where it is waived, POST and PUT without a length have no body (RFC 9112 section 6.3)
};

struct RequestHead {
  uint8_t methodCode = 0;  // see http_methods.h; 0 = not in the table
  uint8_t versionMinor = 1;
  std::string_view method;
  std::string_view target;  // as it came
  std::string_view host;    // from an absolute-form target when there is one, else the Host field; may be empty for HTTP/1.0
  std::string_view path;    // path of the target (origin form or absolute form), without the query; "*" for asterisk-form
  std::string_view query;   // with its '?', or empty
  std::vector<HeaderField> fields;
  size_t bytes = 0;            // of the whole head
  int64_t contentLength = -1;  // -1: no Content-Length
  bool chunked = false;
  bool keepAlive = true;
  bool expectContinue = false;
  bool upgrade = false;
  // What the cache asks of a request (CACHE-4 to CACHE-9, CACHE-24): present fields, set while parsing.
  bool hasAuthorization = false;
  bool hasTranslate = false;
  bool hasExpectOther = false;
  bool hasPrecondition = false;  // If-Match or If-Unmodified-Since: only the origin can say 412 (RFC 9110 section 13.2.2)
  std::string_view range;
  std::string_view ifRange;
  std::string_view ifNoneMatch;
  std::string_view ifModifiedSince;

  void clear();
};

struct ParseError {
  uint16_t status = 0;          // 400, 411, 413, 414, 431, 501, 505
  const char* heading = "";     // http-server-api.md section 2.5, e.g. "Bad Request - Invalid Verb"
  const char* text = "";        // e.g. "The request verb is invalid."
  const char* reason = "";      // counter name and httperr word: "Verb", "URL", "Header", "Hostname", ...
  int clientError = -1;         // frames::ClientErrorReason of what a program may be handed instead of the client being sent a page
};

enum class ParseStatus { kIncomplete, kDone, kError };

// Parses one request head from the start of [data, data+len). `scanned` is how far an earlier, incomplete call has looked for the end of
// the head (start with 0; updated), so that a client that drips bytes costs linear time. On kDone, `consumed` is the length of the head; on
// kError, how much of it was understood.
// Leading empty lines before the request line are skipped (RFC 9112 section 2.2), within the limits.
ParseStatus parseRequestHead(const char* data, size_t len, const ParserLimits& limits, size_t* scanned, RequestHead* head,
                             size_t* consumed, ParseError* error);

// Decodes a chunked body incrementally (RFC 9112 section 7.1). Feed bytes; data pieces are views into the input. `trailers()` are views into
// the decoder itself, so it must not be copied or moved while they are in use.
class ChunkedDecoder {
 public:
  enum class Result { kNeedMore, kData, kEnd, kError };
  // Takes bytes from [data, data+len): kData with *piece a view of payload; *used bytes were consumed (also for kNeedMore, kEnd).
  // At kEnd `trailers()` holds the trailer fields (names and values own their storage in the decoder).
  Result next(const char* data, size_t len, size_t* used, std::string_view* piece);
  const std::vector<HeaderField>& trailers() const { return trailers_; }
  // Of kError: the extensions of the chunks were too long.
  bool extensionsOverflowed() const { return extensionsOverflowed_; }
  void reset();

  // A chunk-size line with its extensions, and the trailer section, are bounded.
  static constexpr size_t kChunkLineBytesMax = 4096;
  // Extensions of a whole body: without a bound a client could send them forever around one-byte chunks.
  static constexpr size_t kExtensionBytesMax = 16384;
  static constexpr size_t kSizeDigitsMax = 16;
  static constexpr uint64_t kChunkBytesMax = (uint64_t{1} << 60) - 1;
  static constexpr size_t kTrailerBytesMax = 16384;
  static constexpr size_t kTrailerCountMax = 100;

 private:
  enum class State : uint8_t { kSize, kExtension, kSizeLf, kData, kDataCr, kDataLf, kTrailer, kEnd, kError };
  const char* readSize(const char* p, const char* end);
  const char* readExtension(const char* p, const char* end);
  const char* readTrailer(const char* p, const char* end);
  bool parseTrailers();

  State state_ = State::kSize;
  bool extensionsOverflowed_ = false;
  uint8_t sizeDigits_ = 0;
  uint64_t remaining_ = 0;
  uint32_t lineBytes_ = 0;
  uint32_t extensionBytes_ = 0;
  size_t trailerLineAt_ = 0;
  std::string trailerText_;
  std::vector<HeaderField> trailers_;
};

// The header block of a response as an application sends it ("Name: value\r\n" each): validated and classified in one pass.
struct ResponseHeadScan {
  bool valid = false;
  bool hasDate = false;
  bool hasServer = false;
  bool hasConnection = false;   // any Connection field
  bool connectionClose = false;
  bool hasKeepAlive = false;
  bool hasTransferEncoding = false;  // the engine drops the field: fill `transferEncodingAt/Length` with the line's place
  size_t transferEncodingAt = 0;
  size_t transferEncodingLength = 0;
  int64_t contentLength = -1;
  size_t contentLengthAt = 0;      // the line's place, so that the cache can drop and renew it (CACHE-26)
  size_t contentLengthLength = 0;
  std::string_view etag;
  std::string_view lastModified;
  std::string_view contentType;
  bool hasContentType = false;
};
// Not valid: a malformed line, a control character, a repeated or malformed Content-Length, Transfer-Encoding in two places.
void scanResponseHead(std::string_view block, ResponseHeadScan* out);

}  // namespace httpsys
