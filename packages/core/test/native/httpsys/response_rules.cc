#include <cstring>

#include "recorded.h"

namespace httpsys {
namespace recorder {

namespace {

constexpr ULONG kKnownFlags = api::kSendDisconnect | api::kSendMoreData | api::kSendBufferData | api::kSendEnableNagling | api::kSendProcessRanges |
                              api::kSendOpaque | api::kSendGoAway | api::kSendAutomaticChunking;
constexpr USHORT kHeadChunksMax = 100;
constexpr USHORT kBodyChunksMax = 9999;

std::string_view valueOf(const HTTP_RESPONSE& response, HTTP_HEADER_ID id) {
  const HTTP_KNOWN_HEADER& header = response.Headers.KnownHeaders[id];
  return header.RawValueLength == 0 ? std::string_view() : std::string_view(header.pRawValue, header.RawValueLength);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return out;
}

// SEND-13: the caller rejects what would end the line.
void checkText(const char* what, std::string_view text) {
  for (const char c : text) {
    if (c == '\r' || c == '\n' || c == '\0') violation("SEND-13", std::string(what) + " has a line end or NUL");
  }
}

void checkName(std::string_view name) {
  if (name.empty()) violation("SEND-13", "an unknown header has no name");
  for (const char c : name) {
    if (static_cast<unsigned char>(c) <= ' ' || c == ':' || static_cast<unsigned char>(c) >= 0x7f) violation("SEND-13", "a header name has " + std::to_string(c));
  }
}

// SEND-5: the bytes of a chunked body are themselves chunks, well formed.
void checkChunked(RecordedRequest* request, std::string_view bytes) {
  while (!bytes.empty() && !request->lastChunk) {
    if (request->chunkLeft > 0) {
      const size_t taken = bytes.size() < request->chunkLeft ? bytes.size() : static_cast<size_t>(request->chunkLeft);
      request->chunkLeft -= taken;
      bytes.remove_prefix(taken);
      if (request->chunkLeft == 0) request->line = "\x01";  // a line end must follow
      continue;
    }
    request->line += bytes.front();
    bytes.remove_prefix(1);
    const std::string& line = request->line;
    if (line.size() < 2 || line.compare(line.size() - 2, 2, "\r\n") != 0) continue;
    if (line[0] == '\x01') {
      if (line.size() != 3) violation("SEND-5", "a chunk is longer than its size says");
      request->line.clear();
      continue;
    }
    char* end = nullptr;
    const unsigned long long size = std::strtoull(line.c_str(), &end, 16);
    if (end == line.c_str() || *end != '\r') violation("SEND-5", "a chunk size is malformed");
    request->line.clear();
    if (size == 0) {
      request->lastChunk = true;
    } else {
      request->chunkLeft = size;
    }
  }
  if (request->lastChunk) request->line.append(bytes);
}

void takeChunk(RecordedRequest* request, ULONG flags, const HTTP_DATA_CHUNK& chunk, bool isLast, Ranges* ranges) {
  if (chunk.DataChunkType == HttpDataChunkFromMemory) {
    if (chunk.FromMemory.BufferLength == 0 || chunk.FromMemory.pBuffer == nullptr) {
      violation("SEND-19", "a memory chunk is empty");
      return;
    }
    ranges->emplace_back(chunk.FromMemory.pBuffer, chunk.FromMemory.BufferLength);
    request->bytes += chunk.FromMemory.BufferLength;
    if (request->bodyless && !request->opaque) violation(request->verb == HttpVerbHEAD ? "SEND-8" : "SEND-9", "a body where there is none");
    if (request->chunked) {
      checkChunked(request, std::string_view(static_cast<const char*>(chunk.FromMemory.pBuffer), chunk.FromMemory.BufferLength));
    }
    return;
  }
  if (chunk.DataChunkType == HttpDataChunkFromFileHandle) {
    const ULONGLONG length = chunk.FromFileHandle.ByteRange.Length.QuadPart;
    if (all().files.count(chunk.FromFileHandle.FileHandle) == 0) violation("SEND-17", "the file of a chunk is not open");
    if (length == 0 || length == HTTP_BYTE_RANGE_TO_EOF) violation("SEND-17", "the length of a file chunk does not tell Content-Length");
    if (request->chunked) violation("SEND-17", "a file in a body of chunks");
    if (request->bodyless) violation(request->verb == HttpVerbHEAD ? "SEND-8" : "SEND-9", "a file where there is no body");
    request->bytes += length;
    return;
  }
  if (chunk.DataChunkType == HttpDataChunkFromFragmentCache) {
    allowed(&Capabilities::fragments, "a chunk of a fragment");
    const USHORT bytes = chunk.FromFragmentCache.FragmentNameLength;
    if (bytes == 0 || bytes % sizeof(WCHAR) != 0) violation("SEND-18", "the name of a fragment is no text");
    if (request->chunked) violation("SEND-18", "a fragment in a body of chunks");
    if (request->bodyless) violation(request->verb == HttpVerbHEAD ? "SEND-8" : "SEND-9", "a fragment where there is no body");
    ranges->emplace_back(chunk.FromFragmentCache.pFragmentName, bytes);
    // Nobody here knows how long it is.
    if (request->contentLength >= 0) request->bytes = static_cast<uint64_t>(request->contentLength);
    return;
  }
  if (chunk.DataChunkType == api::kChunkTrailers) {
    if (!isLast || (flags & api::kSendMoreData) != 0) violation("SEND-16", "trailers are not the last of the response");
    if (!request->http2) violation("SEND-16", "trailers before HTTP/2");
    allowed(&Capabilities::trailers, "a chunk of trailers");
    api::TrailersChunk trailers;
    std::memcpy(&trailers, &chunk, sizeof trailers);
    for (USHORT n = 0; n < trailers.count; ++n) {
      const HTTP_UNKNOWN_HEADER& one = trailers.trailers[n];
      checkName(std::string_view(one.pName, one.NameLength));
      checkText("a trailer", std::string_view(one.pRawValue, one.RawValueLength));
    }
    ranges->emplace_back(trailers.trailers, trailers.count * sizeof(HTTP_UNKNOWN_HEADER));
    return;
  }
  violation("SEND-17", "a chunk of type " + std::to_string(static_cast<int>(chunk.DataChunkType)) + " that the driver does not make");
}

void checkFlags(const RecordedRequest& request, ULONG flags, bool head) {
  if ((flags & ~kKnownFlags) != 0) violation("SEND-FLAGS", "unknown flags " + std::to_string(flags));
  if ((flags & api::kSendDisconnect) != 0 && (flags & api::kSendMoreData) != 0) {
    violation("SEND-FLAGS", "DISCONNECT with MORE_DATA is undefined (section 4.2)");
  }
  if ((flags & api::kSendOpaque) != 0) allowed(&Capabilities::opaque, "OPAQUE");
  if ((flags & api::kSendOpaque) != 0 && (!head || request.status != 101 || (flags & api::kSendMoreData) == 0)) {
    violation("UP-3", "OPAQUE without 101 and MORE_DATA");
  }
}

// What must be true of a response when its last byte was handed over.
void checkComplete(const RecordedRequest& request, ULONG flags) {
  const bool disconnects = (flags & api::kSendDisconnect) != 0;
  if (request.opaque) return;
  if (request.bodyless) return;
  if (request.streamed && !request.chunked && request.contentLength < 0 && !request.http2 && !disconnects) {
    violation("SEND-5", "nothing tells where the body ends");
  }
  if (request.chunked && !request.lastChunk && !disconnects) violation("SEND-5", "the last chunk is missing");
  if (request.chunked && request.lastChunk && (request.line.size() < 2 || request.line.compare(request.line.size() - 2, 2, "\r\n") != 0)) {
    violation("SEND-5", "the trailer section does not end");
  }
  if (request.contentLength >= 0 && request.bytes < static_cast<uint64_t>(request.contentLength) && !disconnects) {
    violation("SEND-4", "fewer bytes than Content-Length says");
  }
  if (request.contentLength >= 0 && request.bytes > static_cast<uint64_t>(request.contentLength)) {
    violation("SEND-4", "more bytes than Content-Length says");
  }
}

}  // namespace

void checkHead(RecordedRequest* request, ULONG flags, const HTTP_RESPONSE& response, const HTTP_CACHE_POLICY* policy, Ranges* ranges) {
  if (request->headSent) violation("SEND-14", "HttpSendHttpResponse twice for one request");
  request->headSent = true;
  request->status = response.StatusCode;
  const bool more = (flags & api::kSendMoreData) != 0;
  request->opaque = (flags & api::kSendOpaque) != 0;
  checkFlags(*request, flags, true);
  if (response.StatusCode < 100 || response.StatusCode > 999) violation("SEND-1", "status " + std::to_string(response.StatusCode));
  // The final status below 200 closes behind itself; it is never an interim response.
  if (response.StatusCode < 200 && !request->opaque && (flags & api::kSendDisconnect) == 0) violation("SEND-9", "an interim status");
  request->bodyless = request->verb == HttpVerbHEAD || response.StatusCode < 200 || response.StatusCode == 204 || response.StatusCode == 304;
  if (response.pReason != nullptr) checkText("the reason", std::string_view(response.pReason, response.ReasonLength));
  if (response.Headers.TrailerCount != 0 || response.Headers.pTrailers != nullptr) violation("SEND-16", "the trailer members are reserved");

  ranges->emplace_back(&response, sizeof response);
  ranges->emplace_back(response.pReason, response.ReasonLength);
  for (const HTTP_KNOWN_HEADER& header : response.Headers.KnownHeaders) {
    if (header.RawValueLength == 0) continue;
    checkText("a header", std::string_view(header.pRawValue, header.RawValueLength));
    ranges->emplace_back(header.pRawValue, header.RawValueLength);
  }
  bool length = false;
  ranges->emplace_back(response.Headers.pUnknownHeaders, response.Headers.UnknownHeaderCount * sizeof(HTTP_UNKNOWN_HEADER));
  for (USHORT n = 0; n < response.Headers.UnknownHeaderCount; ++n) {
    const HTTP_UNKNOWN_HEADER& header = response.Headers.pUnknownHeaders[n];
    const std::string_view name(header.pName, header.NameLength);
    checkName(name);
    checkText("a header", std::string_view(header.pRawValue, header.RawValueLength));
    ranges->emplace_back(header.pName, header.NameLength);
    ranges->emplace_back(header.pRawValue, header.RawValueLength);
    const std::string plain = lower(name);
    if (plain == "transfer-encoding" || plain == "date") violation("SEND-2", plain + " as an unknown header");
    if (plain == "content-length") length = true;
  }
  if (!valueOf(response, HttpHeaderDate).empty()) violation("SEND-2", "the driver writes Date");

  const std::string_view value = valueOf(response, HttpHeaderContentLength);
  request->contentLength = value.empty() ? -1 : std::strtoll(std::string(value).c_str(), nullptr, 10);
  if (length) violation("SEND-4", "Content-Length as an unknown header");
  request->chunked = lower(valueOf(response, HttpHeaderTransferEncoding)) == "chunked";
  if (request->chunked && request->contentLength >= 0) violation("SEND-5", "Transfer-Encoding with Content-Length");
  if (request->chunked && request->http2) violation("SEND-6", "Transfer-Encoding on HTTP/2");
  if (request->chunked && request->http10) violation("SEND-7", "chunks for an HTTP/1.0 client");
  if (request->http2 && !valueOf(response, HttpHeaderConnection).empty()) violation("SEND-6", "Connection on HTTP/2");
  request->streamed = more;
  for (USHORT n = 0; n < response.ResponseInfoCount; ++n) {
    const HTTP_RESPONSE_INFO& info = response.pResponseInfo[n];
    ranges->emplace_back(&info, sizeof info);
    if (info.Type != HttpResponseInfoTypeMultipleKnownHeaders) continue;
    const auto* multiple = static_cast<const HTTP_MULTIPLE_KNOWN_HEADERS*>(info.pInfo);
    if (info.Length != sizeof *multiple || multiple->KnownHeaderCount == 0 || multiple->HeaderId >= HttpHeaderResponseMaximum) {
      violation("SEND-12", "a list of known headers is malformed");
    } else {
      ranges->emplace_back(multiple, sizeof *multiple);
      ranges->emplace_back(multiple->KnownHeaders, multiple->KnownHeaderCount * sizeof(HTTP_KNOWN_HEADER));
    }
  }
  if (policy != nullptr) {
    ranges->emplace_back(policy, sizeof *policy);
    if (policy->Policy == HttpCachePolicyTimeToLive && policy->SecondsToLive == 0) violation("CACHE-1", "a life of no seconds");
    if (policy->Policy == HttpCachePolicyTimeToLive && policy->SecondsToLive > 0x7fffffff) violation("CACHE-32", "a life beyond 0x7fffffff seconds");
    if (policy->Policy > HttpCachePolicyTimeToLive) violation("CACHE-1", "an unknown policy");
    if (more) violation("CACHE-2", "a policy on a response in several calls");
    if (response.StatusCode == 304 || response.StatusCode == 206) violation("CACHE-12", "a policy on " + std::to_string(response.StatusCode));
    if (request->contentLength >= 0) violation("CACHE-26", "a policy with Content-Length: range answers would carry two");
  }
  if (response.EntityChunkCount > kHeadChunksMax) violation("SEND-CHUNKS", "more than 100 chunks with the head (section 4.1)");
  if ((response.EntityChunkCount == 0) != (response.pEntityChunks == nullptr)) violation("SEND-CHUNKS", "count and pointer of the chunks differ");
  ranges->emplace_back(response.pEntityChunks, response.EntityChunkCount * sizeof(HTTP_DATA_CHUNK));
  for (USHORT n = 0; n < response.EntityChunkCount; ++n) {
    takeChunk(request, flags, response.pEntityChunks[n], n + 1 == response.EntityChunkCount, ranges);
  }
  if (!more) {
    request->complete = true;
    checkComplete(*request, flags);
  }
}

void checkBody(RecordedRequest* request, ULONG flags, USHORT count, const HTTP_DATA_CHUNK* chunks, Ranges* ranges) {
  if (!request->headSent) violation("SEND-15", "a body before its head");
  if (request->complete) violation("SEND-14", "a body behind the end of the response");
  checkFlags(*request, flags, false);
  if (count > kBodyChunksMax) violation("SEND-CHUNKS", "more than 9999 chunks (section 4.1)");
  if ((count == 0) != (chunks == nullptr)) violation("SEND-CHUNKS", "count and pointer of the chunks differ");
  ranges->emplace_back(chunks, count * sizeof(HTTP_DATA_CHUNK));
  for (USHORT n = 0; n < count; ++n) takeChunk(request, flags, chunks[n], n + 1 == count, ranges);
  if ((flags & api::kSendMoreData) != 0) return;
  request->complete = true;
  checkComplete(*request, flags);
}

}  // namespace recorder
}  // namespace httpsys
