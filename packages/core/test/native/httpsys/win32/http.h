// The HTTP Server API's types, written from the layouts of http-server-api.md (sections 1.3, 3 to 5, 8, 9); http_api.h asserts offsets and sizes,
// so this header, mingw's and the SDK's are held to the same table.
#pragma once

#include "winsock2.h"

#define HTTP_INITIALIZE_SERVER 0x1
#define HTTP_INITIALIZE_CONFIG 0x2
#define HTTP_NULL_ID (0ull)
#define HTTPAPI_VERSION_2 {2, 0}
#define HTTP_BYTE_RANGE_TO_EOF (~0ull)

using HTTP_OPAQUE_ID = ULONGLONG;
using HTTP_REQUEST_ID = ULONGLONG;
using HTTP_CONNECTION_ID = ULONGLONG;
using HTTP_RAW_CONNECTION_ID = ULONGLONG;
using HTTP_URL_GROUP_ID = ULONGLONG;
using HTTP_SERVER_SESSION_ID = ULONGLONG;
using HTTP_URL_CONTEXT = ULONGLONG;

struct HTTPAPI_VERSION {
  USHORT HttpApiMajorVersion, HttpApiMinorVersion;
};

enum HTTP_SERVER_PROPERTY {
  HttpServerAuthenticationProperty,
  HttpServerLoggingProperty,
  HttpServerQosProperty,
  HttpServerTimeoutsProperty,
  HttpServerQueueLengthProperty,
  HttpServerStateProperty,
  HttpServer503VerbosityProperty,
  HttpServerBindingProperty,
  HttpServerExtendedAuthenticationProperty,
  HttpServerListenEndpointProperty,
  HttpServerChannelBindProperty,
};

struct HTTP_PROPERTY_FLAGS {
  ULONG Present : 1;
};

enum HTTP_ENABLED_STATE { HttpEnabledStateActive, HttpEnabledStateInactive };
struct HTTP_STATE_INFO {
  HTTP_PROPERTY_FLAGS Flags;
  HTTP_ENABLED_STATE State;
};
enum HTTP_503_RESPONSE_VERBOSITY {
  Http503ResponseVerbosityBasic,
  Http503ResponseVerbosityLimited,
  Http503ResponseVerbosityFull,
};
enum HTTP_QOS_SETTING_TYPE { HttpQosSettingTypeBandwidth, HttpQosSettingTypeConnectionLimit, HttpQosSettingTypeFlowRate };
struct HTTP_QOS_SETTING_INFO {
  HTTP_QOS_SETTING_TYPE QosType;
  PVOID QosSetting;
};
struct HTTP_CONNECTION_LIMIT_INFO {
  HTTP_PROPERTY_FLAGS Flags;
  ULONG MaxConnections;
};
struct HTTP_BANDWIDTH_LIMIT_INFO {
  HTTP_PROPERTY_FLAGS Flags;
  ULONG MaxBandwidth;
};
struct HTTP_TIMEOUT_LIMIT_INFO {
  HTTP_PROPERTY_FLAGS Flags;
  USHORT EntityBody, DrainEntityBody, RequestQueue, IdleConnection, HeaderWait;
  ULONG MinSendRate;
};
struct HTTP_BINDING_INFO {
  HTTP_PROPERTY_FLAGS Flags;
  HANDLE RequestQueueHandle;
};
struct HTTP_SERVER_AUTHENTICATION_DIGEST_PARAMS {
  USHORT DomainNameLength;
  PWSTR DomainName;
  USHORT RealmLength;
  PWSTR Realm;
};
struct HTTP_SERVER_AUTHENTICATION_BASIC_PARAMS {
  USHORT RealmLength;
  PWSTR Realm;
};
struct HTTP_SERVER_AUTHENTICATION_INFO {
  HTTP_PROPERTY_FLAGS Flags;
  ULONG AuthSchemes;
  BOOLEAN ReceiveMutualAuth, ReceiveContextHandle, DisableNTLMCredentialCaching;
  UCHAR ExFlags;
  HTTP_SERVER_AUTHENTICATION_DIGEST_PARAMS DigestParams;
  HTTP_SERVER_AUTHENTICATION_BASIC_PARAMS BasicParams;
};

struct HTTP_BYTE_RANGE {
  ULARGE_INTEGER StartingOffset, Length;
};
struct HTTP_VERSION {
  USHORT MajorVersion, MinorVersion;
};

enum HTTP_VERB {
  HttpVerbUnparsed, HttpVerbUnknown, HttpVerbInvalid, HttpVerbOPTIONS, HttpVerbGET, HttpVerbHEAD, HttpVerbPOST, HttpVerbPUT, HttpVerbDELETE,
  HttpVerbTRACE, HttpVerbCONNECT, HttpVerbTRACK, HttpVerbMOVE, HttpVerbCOPY, HttpVerbPROPFIND, HttpVerbPROPPATCH, HttpVerbMKCOL, HttpVerbLOCK,
  HttpVerbUNLOCK, HttpVerbSEARCH, HttpVerbMaximum,
};

enum HTTP_HEADER_ID {
  HttpHeaderCacheControl, HttpHeaderConnection, HttpHeaderDate, HttpHeaderKeepAlive, HttpHeaderPragma, HttpHeaderTrailer,
  HttpHeaderTransferEncoding, HttpHeaderUpgrade, HttpHeaderVia, HttpHeaderWarning, HttpHeaderAllow, HttpHeaderContentLength,
  HttpHeaderContentType, HttpHeaderContentEncoding, HttpHeaderContentLanguage, HttpHeaderContentLocation, HttpHeaderContentMd5,
  HttpHeaderContentRange, HttpHeaderExpires, HttpHeaderLastModified,
  HttpHeaderAccept = 20, HttpHeaderAcceptCharset, HttpHeaderAcceptEncoding, HttpHeaderAcceptLanguage, HttpHeaderAuthorization,
  HttpHeaderCookie, HttpHeaderExpect, HttpHeaderFrom, HttpHeaderHost, HttpHeaderIfMatch, HttpHeaderIfModifiedSince, HttpHeaderIfNoneMatch,
  HttpHeaderIfRange, HttpHeaderIfUnmodifiedSince, HttpHeaderMaxForwards, HttpHeaderProxyAuthorization, HttpHeaderReferer, HttpHeaderRange,
  HttpHeaderTe, HttpHeaderTranslate, HttpHeaderUserAgent, HttpHeaderRequestMaximum,
  HttpHeaderAcceptRanges = 20, HttpHeaderAge, HttpHeaderEtag, HttpHeaderLocation, HttpHeaderProxyAuthenticate, HttpHeaderRetryAfter,
  HttpHeaderServer, HttpHeaderSetCookie, HttpHeaderVary, HttpHeaderWwwAuthenticate, HttpHeaderResponseMaximum,
  HttpHeaderMaximum = 41,
};

struct HTTP_KNOWN_HEADER {
  USHORT RawValueLength;
  PCSTR pRawValue;
};
struct HTTP_UNKNOWN_HEADER {
  USHORT NameLength, RawValueLength;
  PCSTR pName, pRawValue;
};

enum HTTP_DATA_CHUNK_TYPE {
  HttpDataChunkFromMemory,
  HttpDataChunkFromFileHandle,
  HttpDataChunkFromFragmentCache,
  HttpDataChunkFromFragmentCacheEx,
  HttpDataChunkMaximum,
};
struct HTTP_DATA_CHUNK {
  HTTP_DATA_CHUNK_TYPE DataChunkType;
  union {
    struct {
      PVOID pBuffer;
      ULONG BufferLength;
    } FromMemory;
    struct {
      HTTP_BYTE_RANGE ByteRange;
      HANDLE FileHandle;
    } FromFileHandle;
    struct {
      USHORT FragmentNameLength;
      PCWSTR pFragmentName;
    } FromFragmentCache;
  };
};

struct HTTP_REQUEST_HEADERS {
  USHORT UnknownHeaderCount;
  HTTP_UNKNOWN_HEADER* pUnknownHeaders;
  USHORT TrailerCount;
  HTTP_UNKNOWN_HEADER* pTrailers;
  HTTP_KNOWN_HEADER KnownHeaders[HttpHeaderRequestMaximum];
};
struct HTTP_RESPONSE_HEADERS {
  USHORT UnknownHeaderCount;
  HTTP_UNKNOWN_HEADER* pUnknownHeaders;
  USHORT TrailerCount;
  HTTP_UNKNOWN_HEADER* pTrailers;
  HTTP_KNOWN_HEADER KnownHeaders[HttpHeaderResponseMaximum];
};
struct HTTP_TRANSPORT_ADDRESS {
  SOCKADDR* pRemoteAddress;
  SOCKADDR* pLocalAddress;
};
struct HTTP_COOKED_URL {
  USHORT FullUrlLength, HostLength, AbsPathLength, QueryStringLength;
  PCWSTR pFullUrl, pHost, pAbsPath, pQueryString;
};

enum HTTP_AUTH_STATUS { HttpAuthStatusSuccess, HttpAuthStatusNotAuthenticated, HttpAuthStatusFailure };
enum HTTP_REQUEST_AUTH_TYPE {
  HttpRequestAuthTypeNone, HttpRequestAuthTypeBasic, HttpRequestAuthTypeDigest, HttpRequestAuthTypeNTLM, HttpRequestAuthTypeNegotiate,
  HttpRequestAuthTypeKerberos,
};

struct HTTP_SSL_CLIENT_CERT_INFO {
  ULONG CertFlags, CertEncodedSize;
  PUCHAR pCertEncoded;
  HANDLE Token;
  BOOLEAN CertDeniedByMapper;
};
struct HTTP_SSL_INFO {
  USHORT ServerCertKeySize, ConnectionKeySize;
  ULONG ServerCertIssuerSize, ServerCertSubjectSize;
  PCSTR pServerCertIssuer, pServerCertSubject;
  HTTP_SSL_CLIENT_CERT_INFO* pClientCertInfo;
  ULONG SslClientCertNegotiated;
};

enum HTTP_REQUEST_INFO_TYPE : int { HttpRequestInfoTypeAuth };
struct HTTP_REQUEST_INFO {
  HTTP_REQUEST_INFO_TYPE InfoType;
  ULONG InfoLength;
  PVOID pInfo;
};

struct HTTP_REQUEST_V1 {
  ULONG Flags;
  HTTP_CONNECTION_ID ConnectionId;
  HTTP_REQUEST_ID RequestId;
  HTTP_URL_CONTEXT UrlContext;
  HTTP_VERSION Version;
  HTTP_VERB Verb;
  USHORT UnknownVerbLength, RawUrlLength;
  PCSTR pUnknownVerb, pRawUrl;
  HTTP_COOKED_URL CookedUrl;
  HTTP_TRANSPORT_ADDRESS Address;
  HTTP_REQUEST_HEADERS Headers;
  ULONGLONG BytesReceived;
  USHORT EntityChunkCount;
  HTTP_DATA_CHUNK* pEntityChunks;
  HTTP_RAW_CONNECTION_ID RawConnectionId;
  HTTP_SSL_INFO* pSslInfo;
};
struct HTTP_REQUEST_V2 : HTTP_REQUEST_V1 {
  USHORT RequestInfoCount;
  HTTP_REQUEST_INFO* pRequestInfo;
};
using HTTP_REQUEST = HTTP_REQUEST_V2;

enum HTTP_RESPONSE_INFO_TYPE { HttpResponseInfoTypeMultipleKnownHeaders, HttpResponseInfoTypeAuthenticationProperty };
struct HTTP_RESPONSE_INFO {
  HTTP_RESPONSE_INFO_TYPE Type;
  ULONG Length;
  PVOID pInfo;
};
struct HTTP_MULTIPLE_KNOWN_HEADERS {
  HTTP_HEADER_ID HeaderId;
  ULONG Flags;
  USHORT KnownHeaderCount;
  HTTP_KNOWN_HEADER* KnownHeaders;
};
struct HTTP_RESPONSE_V1 {
  ULONG Flags;
  HTTP_VERSION Version;
  USHORT StatusCode, ReasonLength;
  PCSTR pReason;
  HTTP_RESPONSE_HEADERS Headers;
  USHORT EntityChunkCount;
  HTTP_DATA_CHUNK* pEntityChunks;
};
struct HTTP_RESPONSE_V2 : HTTP_RESPONSE_V1 {
  USHORT ResponseInfoCount;
  HTTP_RESPONSE_INFO* pResponseInfo;
};
using HTTP_RESPONSE = HTTP_RESPONSE_V2;

enum HTTP_CACHE_POLICY_TYPE { HttpCachePolicyNocache, HttpCachePolicyUserInvalidates, HttpCachePolicyTimeToLive };
struct HTTP_CACHE_POLICY {
  HTTP_CACHE_POLICY_TYPE Policy;
  ULONG SecondsToLive;
};
struct HTTP_LOG_DATA {
  ULONG Type;
};
