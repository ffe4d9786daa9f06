// The HTTP Server API's declarations: the system's <http.h>, and under own names what its older or mingw's edition lacks or has wrong.
// Values and layouts are those of http-server-api.md (sections 1.3, 3 to 5, 8 and 9); the assertions below hold both headers to them.
#pragma once

#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>
#include <http.h>

#include <cstddef>
#include <cstdint>

namespace httpsys {
namespace api {

// HttpCreateRequestQueue (QUEUE-1).
constexpr ULONG kQueueOpenExisting = 0x1;
constexpr ULONG kQueueController = 0x2;

// HttpReceiveHttpRequest (RECV-1).
constexpr ULONG kReceiveCopyBody = 0x1;

// HTTP_REQUEST.Flags (section 3.2).
constexpr ULONG kRequestMoreBody = 0x1;
constexpr ULONG kRequestIpRouted = 0x2;
constexpr ULONG kRequestHttp2 = 0x4;
constexpr ULONG kRequestHttp3 = 0x8;

// HttpSendHttpResponse and HttpSendResponseEntityBody (section 4.2).
constexpr ULONG kSendDisconnect = 0x001;
constexpr ULONG kSendMoreData = 0x002;
constexpr ULONG kSendBufferData = 0x004;
constexpr ULONG kSendEnableNagling = 0x008;
constexpr ULONG kSendProcessRanges = 0x020;
constexpr ULONG kSendOpaque = 0x040;
constexpr ULONG kSendGoAway = 0x100;
constexpr ULONG kSendAutomaticChunking = 0x200;

// HTTP_RESPONSE.Flags (section 4.1).
constexpr ULONG kResponseMultipleEncodings = 0x1;

// HttpFlushResponseCache (CACHE-33).
constexpr ULONG kFlushRecursive = 0x1;

// HttpRemoveUrlFromUrlGroup (LIFE-5).
constexpr ULONG kUrlRemoveAll = 0x1;

// Chunk types and properties past the end of the old enumerations: an enumerator cannot be asked for with #ifdef.
constexpr HTTP_DATA_CHUNK_TYPE kChunkTrailers = static_cast<HTTP_DATA_CHUNK_TYPE>(4);
constexpr HTTP_SERVER_PROPERTY kPropertyProtectionLevel = static_cast<HTTP_SERVER_PROPERTY>(11);

// HTTP_REQUEST_INFO.InfoType (section 3.5); types not named here are skipped.
constexpr int kInfoAuth = 0;
constexpr int kInfoSslProtocol = 2;

// HttpQueryRequestProperty, HttpSetRequestProperty (section 3.6).
using RequestProperty = int;
constexpr RequestProperty kRequestPropertySni = 4;
constexpr RequestProperty kRequestPropertyStreamError = 5;

// HttpIsFeatureSupported (section 3.6).
using FeatureId = int;
constexpr FeatureId kFeatureResponseTrailers = 1;
constexpr FeatureId kFeatureAutomaticChunking = 8;

// Authentication schemes (AUTH-1).
constexpr ULONG kAuthBasic = 0x01;
constexpr ULONG kAuthDigest = 0x02;
constexpr ULONG kAuthNtlm = 0x04;
constexpr ULONG kAuthNegotiate = 0x08;
constexpr ULONG kAuthKerberos = 0x10;

// "No limit" of QoS settings (section 8.1), "none" of a timeout (section 8.2).
constexpr ULONG kLimitInfinite = 0xffffffff;
constexpr USHORT kTimeoutNone = 0xffff;
constexpr ULONG kBandwidthMin = 1024;

// The client's name for the server in the handshake (request property 4).
struct SniProperty {
  WCHAR hostname[256];
  ULONG flags;
};
constexpr ULONG kSniUsed = 1;

// Request info 2. mingw has no such structure.
struct SslProtocolInfo {
  ULONG protocol;
  ULONG cipherType;
  ULONG cipherStrength;
  ULONG hashType;
  ULONG hashStrength;
  ULONG keyExchangeType;
  ULONG keyExchangeStrength;
};

// Request info 0 (AUTH-5). mingw's lacks the last two members; the length that comes with the info says how much there is.
struct RequestAuthInfo {
  HTTP_AUTH_STATUS authStatus;
  LONG secStatus;
  ULONG flags;
  HTTP_REQUEST_AUTH_TYPE authType;
  HANDLE accessToken;
  ULONG contextAttributes;
  ULONG packedContextLength;
  ULONG packedContextType;
  PVOID packedContext;
  ULONG mutualAuthDataLength;
  PCHAR mutualAuthData;
  USHORT packageNameLength;
  PWSTR packageName;
};

// Data chunk 4: trailers behind the body (SEND-16).
struct TrailersChunk {
  HTTP_DATA_CHUNK_TYPE type;
  USHORT count;
  HTTP_UNKNOWN_HEADER* trailers;
};
static_assert(sizeof(TrailersChunk) <= sizeof(HTTP_DATA_CHUNK), "a chunk of trailers fits in a data chunk");

#ifdef _WIN64
// Section 3.2: what a request looks like.
static_assert(offsetof(HTTP_REQUEST_V1, ConnectionId) == 8, "HTTP_REQUEST");
static_assert(offsetof(HTTP_REQUEST_V1, RequestId) == 16, "HTTP_REQUEST");
static_assert(offsetof(HTTP_REQUEST_V1, UrlContext) == 24, "HTTP_REQUEST");
static_assert(offsetof(HTTP_REQUEST_V1, Version) == 32, "HTTP_REQUEST");
static_assert(offsetof(HTTP_REQUEST_V1, Verb) == 36, "HTTP_REQUEST");
static_assert(offsetof(HTTP_REQUEST_V1, UnknownVerbLength) == 40, "HTTP_REQUEST");
static_assert(offsetof(HTTP_REQUEST_V1, RawUrlLength) == 42, "HTTP_REQUEST");
static_assert(offsetof(HTTP_REQUEST_V1, pUnknownVerb) == 48, "HTTP_REQUEST");
static_assert(offsetof(HTTP_REQUEST_V1, pRawUrl) == 56, "HTTP_REQUEST");
static_assert(offsetof(HTTP_REQUEST_V1, CookedUrl) == 64, "HTTP_REQUEST");
static_assert(offsetof(HTTP_REQUEST_V1, Address) == 104, "HTTP_REQUEST");
static_assert(offsetof(HTTP_REQUEST_V1, Headers) == 120, "HTTP_REQUEST");
static_assert(offsetof(HTTP_REQUEST_V1, BytesReceived) == 808, "HTTP_REQUEST");
static_assert(offsetof(HTTP_REQUEST_V1, EntityChunkCount) == 816, "HTTP_REQUEST");
static_assert(offsetof(HTTP_REQUEST_V1, pEntityChunks) == 824, "HTTP_REQUEST");
static_assert(offsetof(HTTP_REQUEST_V1, RawConnectionId) == 832, "HTTP_REQUEST");
static_assert(offsetof(HTTP_REQUEST_V1, pSslInfo) == 840, "HTTP_REQUEST");
static_assert(sizeof(HTTP_REQUEST_V1) == 848 && sizeof(HTTP_REQUEST_V2) == 864, "HTTP_REQUEST");
static_assert(sizeof(HTTP_KNOWN_HEADER) == 16 && sizeof(HTTP_UNKNOWN_HEADER) == 24, "headers");
static_assert(HttpHeaderRequestMaximum == 41 && HttpHeaderResponseMaximum == 30, "known headers");
static_assert(HttpVerbSEARCH == 19, "verbs");
// Section 4.1: what a response looks like.
static_assert(offsetof(HTTP_RESPONSE_V1, StatusCode) == 8, "HTTP_RESPONSE");
static_assert(offsetof(HTTP_RESPONSE_V1, ReasonLength) == 10, "HTTP_RESPONSE");
static_assert(offsetof(HTTP_RESPONSE_V1, pReason) == 16, "HTTP_RESPONSE");
static_assert(offsetof(HTTP_RESPONSE_V1, Headers) == 24, "HTTP_RESPONSE");
static_assert(offsetof(HTTP_RESPONSE_V1, EntityChunkCount) == 536, "HTTP_RESPONSE");
static_assert(offsetof(HTTP_RESPONSE_V1, pEntityChunks) == 544, "HTTP_RESPONSE");
static_assert(sizeof(HTTP_RESPONSE_V1) == 552 && sizeof(HTTP_RESPONSE_V2) == 568, "HTTP_RESPONSE");
static_assert(sizeof(HTTP_DATA_CHUNK) == 32, "HTTP_DATA_CHUNK");
static_assert(sizeof(HTTP_CACHE_POLICY) == 8, "HTTP_CACHE_POLICY");
static_assert(sizeof(HTTP_SSL_INFO) == 48 && sizeof(HTTP_SSL_CLIENT_CERT_INFO) == 32, "TLS facts");
// Section 8: properties.
static_assert(sizeof(HTTP_BINDING_INFO) == 16, "HTTP_BINDING_INFO");
static_assert(sizeof(HTTP_TIMEOUT_LIMIT_INFO) == 20, "HTTP_TIMEOUT_LIMIT_INFO");
static_assert(HttpServerChannelBindProperty == 10, "properties");
// RECV-2: a smaller buffer is refused.
constexpr ULONG kRequestBytesMin = 848;
#endif

}  // namespace api
}  // namespace httpsys
