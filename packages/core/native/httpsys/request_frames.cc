#include "httpsys/request_frames.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "common/field_line.h"
#include "common/frame_writer.h"
#include "common/http_methods.h"
#include "httpsys/known_headers.h"
#include "httpsys/security_facts.h"

namespace httpsys {
namespace driver {

namespace {

constexpr USHORT kKnownCount = static_cast<USHORT>(kRequestNames.size());

// By HTTP_VERB; the others are written out.
constexpr uint8_t kVerbCodes[] = {
    methods::kOther, methods::kOther,    methods::kOther,     methods::kOptions, methods::kGet,  methods::kHead,   methods::kPost,
    methods::kPut,   methods::kDelete,   methods::kTrace,     methods::kConnect, methods::kTrack, methods::kMove,  methods::kCopy,
    methods::kPropfind, methods::kProppatch, methods::kMkcol, methods::kLock,    methods::kUnlock, methods::kSearch,
};
static_assert(sizeof kVerbCodes == HttpVerbMaximum, "one code for each verb");

std::string_view valueOf(const HTTP_KNOWN_HEADER& header) {
  return header.RawValueLength == 0 ? std::string_view() : std::string_view(header.pRawValue, header.RawValueLength);
}

std::string_view known(const HTTP_REQUEST& request, HTTP_HEADER_ID id) { return valueOf(request.Headers.KnownHeaders[id]); }

// Wine takes known names for unknown ones when they are in lower case; a name is looked up without case wherever it stands.
std::string_view fieldOf(const HTTP_REQUEST& request, HTTP_HEADER_ID id) {
  const std::string_view value = known(request, id);
  if (!value.empty() || request.Headers.UnknownHeaderCount == 0) return value;
  const uint8_t wanted = kRequestNames[static_cast<size_t>(id)];
  for (USHORT n = 0; n < request.Headers.UnknownHeaderCount; ++n) {
    const HTTP_UNKNOWN_HEADER& header = request.Headers.pUnknownHeaders[n];
    if (names::lookup(std::string_view(header.pName, header.NameLength)).id != wanted) continue;
    return std::string_view(header.pRawValue, header.RawValueLength);
  }
  return value;
}

bool lists(std::string_view value, std::string_view word) {
  bool found = false;
  forEachListItem(value, [&](std::string_view item) { found = found || names::equalsLower(item, word); });
  return found;
}

std::string addressText(const SOCKADDR* address, uint16_t* port, uint8_t* family) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address == nullptr) return std::string();
  if (address->sa_family == AF_INET) {
    SOCKADDR_IN in;
    std::memcpy(&in, address, sizeof in);
    *port = ntohs(in.sin_port);
    *family = 4;
    inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
  } else if (address->sa_family == AF_INET6) {
    SOCKADDR_IN6 in;
    std::memcpy(&in, address, sizeof in);
    *port = ntohs(in.sin6_port);
    *family = 6;
    inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof text);
  }
  return text;
}

// The request's part of CACHE-3 to CACHE-9; the driver looks for itself.
bool storable(const HTTP_REQUEST& request, const RequestFacts& facts) {
  return request.Verb == HttpVerbGET && facts.bodyDone && facts.copiedBytes == 0 && !facts.expectOther &&
         fieldOf(request, HttpHeaderAuthorization).empty() && fieldOf(request, HttpHeaderTranslate).empty() &&
         fieldOf(request, HttpHeaderRange).empty() && fieldOf(request, HttpHeaderIfRange).empty();
}

uint8_t* writeField(uint8_t* at, uint8_t nameId, std::string_view name, std::string_view value) {
  return writeEntry(at, HeaderField{name, value, nameId, 0});
}

}  // namespace

RequestFacts factsOf(const HTTP_REQUEST& request) {
  RequestFacts facts;
  facts.http2 = (request.Flags & (api::kRequestHttp2 | api::kRequestHttp3)) != 0;
  facts.http10 = !facts.http2 && request.Version.MajorVersion == 1 && request.Version.MinorVersion == 0;
  facts.head = request.Verb == HttpVerbHEAD;
  const std::string_view connection = fieldOf(request, HttpHeaderConnection);
  if (!facts.http2) facts.keepAlive = facts.http10 ? lists(connection, "keep-alive") : !lists(connection, "close");
  const std::string_view expect = fieldOf(request, HttpHeaderExpect);
  facts.expectContinue = names::equalsLower(expect, "100-continue");
  facts.expectOther = !expect.empty() && !facts.expectContinue;
  facts.upgrade = !facts.http2 && !fieldOf(request, HttpHeaderUpgrade).empty() && lists(connection, "upgrade");
  // PARSE-10: the field stays visible although the driver has taken the chunks apart; it goes before a Content-Length.
  facts.chunked = !fieldOf(request, HttpHeaderTransferEncoding).empty();
  if (!facts.chunked) facts.contentLength = parseDecimal(fieldOf(request, HttpHeaderContentLength));
  for (USHORT n = 0; n < request.EntityChunkCount; ++n) {
    const HTTP_DATA_CHUNK& chunk = request.pEntityChunks[n];
    if (chunk.DataChunkType == HttpDataChunkFromMemory) facts.copiedBytes += chunk.FromMemory.BufferLength;
  }
  facts.bodyDone = (request.Flags & api::kRequestMoreBody) == 0;
  return facts;
}

void appendConnection(ByteBuffer* out, HANDLE queue, const HTTP_REQUEST& request, const HTTP_SSL_CLIENT_CERT_INFO* certificate,
                      uint32_t connectionId) {
  uint16_t remotePort = 0;
  uint16_t localPort = 0;
  uint8_t family = 0;
  const std::string local = addressText(request.Address.pLocalAddress, &localPort, &family);
  const std::string remote = addressText(request.Address.pRemoteAddress, &remotePort, &family);
  std::string body(8, '\0');
  uint8_t* head = reinterpret_cast<uint8_t*>(&body[0]);
  frames::store16(head, remotePort);
  frames::store16(head + 2, localPort);
  head[4] = static_cast<uint8_t>(remote.size());
  head[5] = static_cast<uint8_t>(local.size());
  head[6] = family;
  body += remote;
  body += local;
  body += connectionBlocks(queue, request, certificate);
  const uint8_t flags = request.pSslInfo != nullptr ? uint8_t{frames::kConnectionEncrypted} : uint8_t{0};
  appendFrame(out, frames::kConnection, flags, 0, connectionId, body);
}

void appendRequest(ByteBuffer* out, const HTTP_REQUEST& request, const RequestFacts& facts, uint32_t id, uint32_t connectionId) {
  std::string_view method;
  uint8_t methodCode = methods::kOther;
  if (request.Verb < HttpVerbMaximum) methodCode = kVerbCodes[request.Verb];
  if (methodCode == methods::kOther) {
    method = std::string_view(request.pUnknownVerb, request.UnknownVerbLength);
    methodCode = methods::lookup(method);
    if (methodCode != methods::kOther) method = std::string_view();
  }
  const std::string_view target(request.pRawUrl, request.RawUrlLength);
  const HTTP_REQUEST_HEADERS& headers = request.Headers;

  // The frame counts entries in 16 bits; nobody's bound on a head lets so many fields through.
  const USHORT unknownCount = std::min<USHORT>(headers.UnknownHeaderCount, 0xffff - kKnownCount);
  // Entries of a request have at most three bytes of frame for a known name, five for another one.
  size_t entriesMax = 0;
  for (USHORT n = 0; n < kKnownCount; ++n) entriesMax += 3 + size_t{headers.KnownHeaders[n].RawValueLength};
  for (USHORT n = 0; n < unknownCount; ++n) {
    entriesMax += 5 + size_t{headers.pUnknownHeaders[n].NameLength} + headers.pUnknownHeaders[n].RawValueLength;
  }
  constexpr size_t kPartsBytes = 20;
  uint8_t* const frame = reinterpret_cast<uint8_t*>(
      out->reserve(frames::kHeaderBytes + kPartsBytes + method.size() + target.size() + entriesMax + facts.copiedBytes));
  uint8_t* at = frame + frames::kHeaderBytes + kPartsBytes;
  if (!method.empty()) std::memcpy(at, method.data(), method.size());
  at += method.size();
  if (!target.empty()) std::memcpy(at, target.data(), target.size());
  at += target.size();

  uint8_t* const entries = at;
  uint16_t count = 0;
  // Host first, as clients send it; PARSE-2: the order of known headers is lost.
  const auto writeKnown = [&](USHORT n) {
    const HTTP_KNOWN_HEADER& header = headers.KnownHeaders[n];
    if (header.RawValueLength == 0 && header.pRawValue == nullptr) return;
    at = writeField(at, kRequestNames[n], std::string_view(), valueOf(header));
    ++count;
  };
  writeKnown(HttpHeaderHost);
  for (USHORT n = 0; n < kKnownCount; ++n) {
    if (n != HttpHeaderHost) writeKnown(n);
  }
  for (USHORT n = 0; n < unknownCount; ++n) {
    const HTTP_UNKNOWN_HEADER& header = headers.pUnknownHeaders[n];
    const std::string_view name(header.pName, header.NameLength);
    at = writeField(at, names::lookup(name).frameId(), name, std::string_view(header.pRawValue, header.RawValueLength));
    ++count;
  }
  const size_t entryBytes = static_cast<size_t>(at - entries);

  for (USHORT n = 0; n < request.EntityChunkCount; ++n) {
    const HTTP_DATA_CHUNK& chunk = request.pEntityChunks[n];
    if (chunk.DataChunkType != HttpDataChunkFromMemory || chunk.FromMemory.BufferLength == 0) continue;
    std::memcpy(at, chunk.FromMemory.pBuffer, chunk.FromMemory.BufferLength);
    at += chunk.FromMemory.BufferLength;
  }

  uint8_t flags = 0;
  if (facts.bodyDone) flags |= frames::kRequestEnd;
  if (facts.keepAlive) flags |= frames::kRequestKeepAlive;
  if (facts.http10) flags |= frames::kRequestHttp10;
  if (facts.expectContinue) flags |= frames::kRequestExpectContinue;
  // UP-2: not with a body; what came inline would be taken for bytes behind the request.
  if (facts.upgrade && facts.bodyDone && facts.copiedBytes == 0) flags |= frames::kRequestUpgrade;
  if (facts.chunked) flags |= frames::kRequestChunked;
  if (facts.expectOther) flags |= frames::kRequestExpectOther;
  if (!storable(request, facts)) flags |= frames::kRequestUnstorable;
  const size_t length = static_cast<size_t>(at - frame);
  frames::storeHeader(frame, static_cast<uint32_t>(length), frames::kRequest, flags, methodCode, id);
  uint8_t* const parts = frame + frames::kHeaderBytes;
  frames::store32(parts, connectionId);
  frames::store32(parts + 4, static_cast<uint32_t>(request.UrlContext));
  frames::store32(parts + 8, static_cast<uint32_t>(target.size()));
  frames::store32(parts + 12, static_cast<uint32_t>(entryBytes));
  frames::store16(parts + 16, count);
  frames::store16(parts + 18, static_cast<uint16_t>(method.size()));
  out->commit(length);
}

}  // namespace driver
}  // namespace httpsys
