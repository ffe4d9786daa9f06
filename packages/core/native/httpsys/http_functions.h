// The one way into httpapi.dll: a table of its entry points, resolved once per process, and what this system's edition can really do.
//
// Every call of the HTTP Server API in native/httpsys is `functions().name(...)`. So one replacement of the table stands between the
// engine and the system:
//
//   A test build defines HTTPSYS_WRAP_FUNCTIONS and links one more source file, which defines
//       void httpsys::wrapFunctions(HttpFunctions* table, Capabilities* capabilities);
//   It is called once, before any entry is used, on the thread that asks first, with every entry already resolved (null where the DLL has
//   no such export). It may keep a copy of the table to forward to, put its own functions (WINAPI, same types) in place of any entry, also of
//   a null one, and switch capabilities on for what its functions answer themselves. After it returns nothing of the table changes
//   any more, so entries may be called from several threads at once (one I/O thread per request queue, and the loop's thread) and must
//   be able to. What is never called while its capability is off is listed at the capability.
#pragma once

#include "httpsys/http_api.h"

namespace httpsys {

// Named as in the API without its `Http`. Cache policy and log data have their types here; mingw's header has void pointers.
struct HttpFunctions {
  ULONG(WINAPI* Initialize)(HTTPAPI_VERSION version, ULONG flags, PVOID reserved);
  ULONG(WINAPI* Terminate)(ULONG flags, PVOID reserved);

  ULONG(WINAPI* CreateServerSession)(HTTPAPI_VERSION version, HTTP_SERVER_SESSION_ID* id, ULONG reserved);
  ULONG(WINAPI* CloseServerSession)(HTTP_SERVER_SESSION_ID id);
  ULONG(WINAPI* SetServerSessionProperty)(HTTP_SERVER_SESSION_ID id, HTTP_SERVER_PROPERTY property, PVOID value, ULONG bytes);

  ULONG(WINAPI* CreateUrlGroup)(HTTP_SERVER_SESSION_ID session, HTTP_URL_GROUP_ID* id, ULONG reserved);
  ULONG(WINAPI* CloseUrlGroup)(HTTP_URL_GROUP_ID id);
  ULONG(WINAPI* SetUrlGroupProperty)(HTTP_URL_GROUP_ID id, HTTP_SERVER_PROPERTY property, PVOID value, ULONG bytes);
  ULONG(WINAPI* AddUrlToUrlGroup)(HTTP_URL_GROUP_ID id, PCWSTR url, HTTP_URL_CONTEXT context, ULONG reserved);
  ULONG(WINAPI* RemoveUrlFromUrlGroup)(HTTP_URL_GROUP_ID id, PCWSTR url, ULONG flags);

  ULONG(WINAPI* CreateRequestQueue)(HTTPAPI_VERSION version, PCWSTR name, SECURITY_ATTRIBUTES* security, ULONG flags, HANDLE* queue);
  ULONG(WINAPI* CloseRequestQueue)(HANDLE queue);
  ULONG(WINAPI* ShutdownRequestQueue)(HANDLE queue);
  ULONG(WINAPI* SetRequestQueueProperty)(HANDLE queue, HTTP_SERVER_PROPERTY property, PVOID value, ULONG bytes, ULONG reserved,
                                         PVOID reserved2);

  ULONG(WINAPI* ReceiveHttpRequest)(HANDLE queue, HTTP_REQUEST_ID id, ULONG flags, HTTP_REQUEST* buffer, ULONG bytes, ULONG* returned,
                                    OVERLAPPED* overlapped);
  ULONG(WINAPI* ReceiveRequestEntityBody)(HANDLE queue, HTTP_REQUEST_ID id, ULONG flags, PVOID buffer, ULONG bytes, ULONG* returned,
                                          OVERLAPPED* overlapped);
  ULONG(WINAPI* SendHttpResponse)(HANDLE queue, HTTP_REQUEST_ID id, ULONG flags, HTTP_RESPONSE* response, HTTP_CACHE_POLICY* policy,
                                  ULONG* sent, PVOID reserved, ULONG reserved2, OVERLAPPED* overlapped, HTTP_LOG_DATA* log);
  ULONG(WINAPI* SendResponseEntityBody)(HANDLE queue, HTTP_REQUEST_ID id, ULONG flags, USHORT chunkCount, HTTP_DATA_CHUNK* chunks,
                                        ULONG* sent, PVOID reserved, ULONG reserved2, OVERLAPPED* overlapped, HTTP_LOG_DATA* log);
  ULONG(WINAPI* CancelHttpRequest)(HANDLE queue, HTTP_REQUEST_ID id, OVERLAPPED* overlapped);
  ULONG(WINAPI* WaitForDisconnect)(HANDLE queue, HTTP_CONNECTION_ID id, OVERLAPPED* overlapped);
  ULONG(WINAPI* WaitForDisconnectEx)(HANDLE queue, HTTP_CONNECTION_ID id, ULONG reserved, OVERLAPPED* overlapped);
  ULONG(WINAPI* ReceiveClientCertificate)(HANDLE queue, HTTP_CONNECTION_ID id, ULONG flags, HTTP_SSL_CLIENT_CERT_INFO* buffer, ULONG bytes,
                                          ULONG* returned, OVERLAPPED* overlapped);

  ULONG(WINAPI* FlushResponseCache)(HANDLE queue, PCWSTR url, ULONG flags, OVERLAPPED* overlapped);

  ULONG(WINAPI* AddFragmentToCache)(HANDLE queue, PCWSTR name, HTTP_DATA_CHUNK* chunk, HTTP_CACHE_POLICY* policy, OVERLAPPED* overlapped);

  // Windows 10 and later.
  ULONG(WINAPI* QueryRequestProperty)(HANDLE queue, HTTP_REQUEST_ID id, api::RequestProperty property, PVOID qualifier, ULONG qualifierBytes,
                                      PVOID value, ULONG bytes, ULONG* returned, OVERLAPPED* overlapped);
  BOOL(WINAPI* IsFeatureSupported)(api::FeatureId id);
};

// What may be called. Under Wine the presence of an export tells nothing: a stub raises an exception that ends the process, so each of
// these is off there whatever the DLL exports, as measured with Wine 8 to 10. On Windows it is on when the export is there.
struct Capabilities {
  bool wine = false;
  bool shutdownQueue = false;       // ShutdownRequestQueue
  bool cancelRequest = false;       // CancelHttpRequest
  bool waitForDisconnect = false;   // WaitForDisconnect
  bool waitForDisconnectEx = false; // WaitForDisconnectEx, preferred: it also sees a graceful end (GONE-3)
  bool responseCache = false;       // FlushResponseCache; without it a policy is passed all the same and does nothing
  bool fragments = false;           // AddFragmentToCache, and chunks that name a fragment
  bool clientCertificate = false;   // ReceiveClientCertificate
  bool requestProperties = false;   // QueryRequestProperty
  bool namedQueues = false;         // CreateRequestQueue heeds names and OPEN_EXISTING
  bool weakWildcard = false;        // the host * matches; Wine takes it for a name (WINE-3), so + is registered there instead
  bool disconnectFlag = false;      // a send with DISCONNECT ends the connection
  bool opaque = false;              // 101 with OPAQUE (UP-1)
  bool trailers = false;            // chunks of trailers, HTTP/2 and later (SEND-16)
};

// Null when the DLL or one of the entries that nothing works without is missing; `*missing` then names it.
const HttpFunctions* loadFunctions(const char** missing);

// The table; loadFunctions must have succeeded before.
const HttpFunctions& functions();
const Capabilities& capabilities();

#ifdef HTTPSYS_WRAP_FUNCTIONS
void wrapFunctions(HttpFunctions* table, Capabilities* capabilities);
#endif

}  // namespace httpsys
