#include "httpsys/http_functions.h"

#include <cstring>
#include <mutex>

namespace httpsys {

namespace {

struct State {
  std::once_flag once;
  const char* missing = nullptr;
  HttpFunctions table{};
  Capabilities capabilities;
};

// Of constant initialization: reading an entry costs no guard.
State loadedState;

// Entries without which there is no server; the others are behind capabilities.
constexpr const char* kOptional[] = {
    "HttpShutdownRequestQueue", "HttpCancelHttpRequest",        "HttpWaitForDisconnect",    "HttpWaitForDisconnectEx",
    "HttpFlushResponseCache",   "HttpReceiveClientCertificate", "HttpQueryRequestProperty", "HttpIsFeatureSupported",
    "HttpAddFragmentToCache",
};

bool isOptional(const char* name) {
  for (const char* optional : kOptional) {
    if (std::strcmp(optional, name) == 0) return true;
  }
  return false;
}

// Through void*: a cast between function types is a warning in one compiler or the other.
template <typename Function>
void resolve(HMODULE dll, const char* name, Function* entry, const char** missing) {
  void* const address = reinterpret_cast<void*>(GetProcAddress(dll, name));
  std::memcpy(entry, &address, sizeof address);
  if (address == nullptr && *missing == nullptr && !isOptional(name)) *missing = name;
}

bool runsUnderWine() {
  const HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
  return ntdll != nullptr && GetProcAddress(ntdll, "wine_get_version") != nullptr;
}

Capabilities findCapabilities(const HttpFunctions& table) {
  Capabilities found;
  found.wine = runsUnderWine();
  if (found.wine) return found;
  found.shutdownQueue = table.ShutdownRequestQueue != nullptr;
  found.cancelRequest = table.CancelHttpRequest != nullptr;
  found.waitForDisconnect = table.WaitForDisconnect != nullptr;
  found.waitForDisconnectEx = table.WaitForDisconnectEx != nullptr;
  found.responseCache = table.FlushResponseCache != nullptr;
  found.fragments = table.AddFragmentToCache != nullptr;
  found.clientCertificate = table.ReceiveClientCertificate != nullptr;
  found.requestProperties = table.QueryRequestProperty != nullptr;
  found.namedQueues = true;
  found.weakWildcard = true;
  found.disconnectFlag = true;
  // UP-1: Windows 8. Node 20 needs Windows 10.
  found.opaque = true;
  found.trailers = table.IsFeatureSupported != nullptr && table.IsFeatureSupported(api::kFeatureResponseTrailers) != FALSE;
  return found;
}

void load(State* into) {
  // From the system's folder only: a DLL of this name beside the program is not ours.
  const HMODULE dll = LoadLibraryExW(L"httpapi.dll", nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32);
  if (dll == nullptr) {
    into->missing = "httpapi.dll";
    return;
  }
  HttpFunctions* table = &into->table;
#define HTTPSYS_RESOLVE(name) resolve(dll, "Http" #name, &table->name, &into->missing)
  HTTPSYS_RESOLVE(Initialize);
  HTTPSYS_RESOLVE(Terminate);
  HTTPSYS_RESOLVE(CreateServerSession);
  HTTPSYS_RESOLVE(CloseServerSession);
  HTTPSYS_RESOLVE(SetServerSessionProperty);
  HTTPSYS_RESOLVE(CreateUrlGroup);
  HTTPSYS_RESOLVE(CloseUrlGroup);
  HTTPSYS_RESOLVE(SetUrlGroupProperty);
  HTTPSYS_RESOLVE(AddUrlToUrlGroup);
  HTTPSYS_RESOLVE(RemoveUrlFromUrlGroup);
  HTTPSYS_RESOLVE(CreateRequestQueue);
  HTTPSYS_RESOLVE(CloseRequestQueue);
  HTTPSYS_RESOLVE(ShutdownRequestQueue);
  HTTPSYS_RESOLVE(SetRequestQueueProperty);
  HTTPSYS_RESOLVE(ReceiveHttpRequest);
  HTTPSYS_RESOLVE(ReceiveRequestEntityBody);
  HTTPSYS_RESOLVE(SendHttpResponse);
  HTTPSYS_RESOLVE(SendResponseEntityBody);
  HTTPSYS_RESOLVE(CancelHttpRequest);
  HTTPSYS_RESOLVE(WaitForDisconnect);
  HTTPSYS_RESOLVE(WaitForDisconnectEx);
  HTTPSYS_RESOLVE(ReceiveClientCertificate);
  HTTPSYS_RESOLVE(FlushResponseCache);
  HTTPSYS_RESOLVE(AddFragmentToCache);
  HTTPSYS_RESOLVE(QueryRequestProperty);
  HTTPSYS_RESOLVE(IsFeatureSupported);
#undef HTTPSYS_RESOLVE
  if (into->missing != nullptr) return;
  into->capabilities = findCapabilities(*table);
#ifdef HTTPSYS_WRAP_FUNCTIONS
  wrapFunctions(table, &into->capabilities);
#endif
}

}  // namespace

const HttpFunctions* loadFunctions(const char** missing) {
  std::call_once(loadedState.once, [] { load(&loadedState); });
  *missing = loadedState.missing;
  return loadedState.missing == nullptr ? &loadedState.table : nullptr;
}

const HttpFunctions& functions() { return loadedState.table; }

const Capabilities& capabilities() { return loadedState.capabilities; }

}  // namespace httpsys
