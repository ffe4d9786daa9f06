// Completion ports and the few other calls of Windows that the driver makes (windows.h beside this file).
#include <chrono>
#include <cstdlib>

#include "kernel_state.h"
#include "recorder.h"

using namespace kernel;

namespace {

constexpr ULONG_PTR kStatusPending = 0x103;

std::string narrow(PCWSTR text) {
  std::string out;
  while (*text != 0) out += static_cast<char>(*text++);
  return out;
}

int httpapi, ntdll;

}  // namespace

namespace kernel {
thread_local DWORD lastError = 0;
}

void httpsys::wrapFunctions(HttpFunctions* table, Capabilities* capabilities) { recorder::wrap(table, capabilities); }

extern "C" {

int WideCharToMultiByte(unsigned, DWORD, PCWSTR text, int length, PSTR out, int bytes, PCSTR, BOOL*) {
  for (int n = 0; n < length && n < bytes; ++n) out[n] = static_cast<char>(text[n]);
  return length;
}

// ASCII; what has the high bit is no UTF-8.
int MultiByteToWideChar(unsigned, DWORD, PCSTR text, int bytes, PWSTR out, int units) {
  for (int n = 0; n < bytes && n < units; ++n) {
    if (text[n] < 0) return 0;
    out[n] = static_cast<wchar_t>(text[n]);
  }
  return bytes;
}

// Whoever has a token is one user.
BOOL GetTokenInformation(HANDLE, TOKEN_INFORMATION_CLASS, void* out, DWORD bytes, DWORD* returned) {
  static char sid = 7;
  *returned = sizeof(TOKEN_USER);
  if (bytes < sizeof(TOKEN_USER)) return FALSE;
  const TOKEN_USER user{{&sid, 0}};
  std::memcpy(out, &user, sizeof user);
  return TRUE;
}

BOOL LookupAccountSidW(PCWSTR, PSID, PWSTR name, DWORD* nameLength, PWSTR domain, DWORD* domainLength, SID_NAME_USE*) {
  std::memcpy(name, L"ann", 8);
  std::memcpy(domain, L"SHOP", 10);
  *nameLength = 3;
  *domainLength = 4;
  return TRUE;
}

BOOL ConvertSidToStringSidW(PSID, PWSTR* text) {
  constexpr wchar_t kText[] = L"S-1-5-21-7";
  *text = static_cast<PWSTR>(std::malloc(sizeof kText));
  std::memcpy(*text, kText, sizeof kText);
  return TRUE;
}

// A descriptor is its text here.
BOOL ConvertStringSecurityDescriptorToSecurityDescriptorW(PCWSTR text, DWORD, PSECURITY_DESCRIPTOR* descriptor, PULONG) {
  const std::string plain = narrow(text);
  if (plain.rfind("D:", 0) != 0) {
    lastError = 1336;  // ERROR_INVALID_ACL
    return FALSE;
  }
  char* const copy = static_cast<char*>(std::malloc(plain.size() + 1));
  std::memcpy(copy, plain.c_str(), plain.size() + 1);
  *descriptor = copy;
  return TRUE;
}

HLOCAL LocalFree(HLOCAL memory) {
  std::free(memory);
  return nullptr;
}

DWORD GetLastError() { return lastError; }

ULONGLONG GetTickCount64() {
  return static_cast<ULONGLONG>(
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
}

HMODULE LoadLibraryExW(PCWSTR name, HANDLE, DWORD) { return narrow(name) == "httpapi.dll" ? &httpapi : nullptr; }

HMODULE GetModuleHandleW(PCWSTR name) { return narrow(name) == "ntdll.dll" ? &ntdll : nullptr; }

FARPROC GetProcAddress(HMODULE module, PCSTR name) {
  return module == &httpapi ? reinterpret_cast<FARPROC>(entryPoint(name)) : nullptr;
}

BOOL CloseHandle(HANDLE handle) {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  if (s.ports.erase(static_cast<Port*>(handle)) > 0) return TRUE;
  if (s.tokens.erase(handle) > 0) {
    delete static_cast<char*>(handle);
    return TRUE;
  }
  if (s.files.erase(handle) > 0) {
    delete static_cast<char*>(handle);
    httpsys::recorder::fileClosed(handle);
    return TRUE;
  }
  lastError = ERROR_INVALID_HANDLE;
  return FALSE;
}

HANDLE CreateFileW(PCWSTR name, DWORD access, DWORD share, SECURITY_ATTRIBUTES*, DWORD disposition, DWORD flags, HANDLE) {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  const std::string path = narrow(name);
  if (s.disk.count(path) == 0) {
    lastError = ERROR_FILE_NOT_FOUND;
    return INVALID_HANDLE_VALUE;
  }
  const HANDLE handle = new char;
  s.files[handle] = path;
  httpsys::recorder::fileOpened(handle, access, share, disposition, flags);
  return handle;
}

HANDLE GetCurrentProcess() { return INVALID_HANDLE_VALUE; }

BOOL GetProcessHandleCount(HANDLE, DWORD* count) {
  *count = static_cast<DWORD>(instance().open());
  return TRUE;
}

HANDLE CreateIoCompletionPort(HANDLE file, HANDLE, ULONG_PTR key, DWORD) {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  Queue* queue = s.queueOf(file);
  if (queue == nullptr) {
    lastError = ERROR_INVALID_HANDLE;
    return nullptr;
  }
  auto made = std::make_unique<Port>();
  Port* port = made.get();
  s.ports.emplace(port, std::move(made));
  queue->port = port;
  queue->key = key;
  return port;
}

BOOL SetFileCompletionNotificationModes(HANDLE file, UCHAR flags) {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  Queue* queue = s.queueOf(file);
  if (queue == nullptr || !instance().script.skipModes) {
    lastError = ERROR_INVALID_PARAMETER;
    return FALSE;
  }
  queue->skips = (flags & FILE_SKIP_COMPLETION_PORT_ON_SUCCESS) != 0;
  httpsys::recorder::modesSet(file, queue->skips);
  return TRUE;
}

BOOL PostQueuedCompletionStatus(HANDLE handle, DWORD bytes, ULONG_PTR key, OVERLAPPED* overlapped) {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  const auto found = s.ports.find(static_cast<Port*>(handle));
  if (found == s.ports.end()) return FALSE;
  found->second->packets.push_back(OVERLAPPED_ENTRY{key, overlapped, 0, bytes});
  s.changed.notify_all();
  return TRUE;
}

BOOL GetQueuedCompletionStatusEx(HANDLE handle, OVERLAPPED_ENTRY* entries, ULONG count, ULONG* removed, DWORD milliseconds, BOOL) {
  State& s = state();
  std::unique_lock<std::mutex> lock(s.mutex);
  const auto found = s.ports.find(static_cast<Port*>(handle));
  if (found == s.ports.end()) return FALSE;
  auto& packets = found->second->packets;
  const auto some = [&] { return !packets.empty(); };
  if (milliseconds == INFINITE) {
    s.changed.wait(lock, some);
  } else {
    s.changed.wait_for(lock, std::chrono::milliseconds(milliseconds), some);
  }
  *removed = 0;
  while (*removed < count && !packets.empty()) {
    entries[(*removed)++] = packets.front();
    packets.pop_front();
  }
  lock.unlock();
  for (ULONG n = 0; n < *removed; ++n) {
    // A status is a Win32 code here.
    httpsys::recorder::packetTaken(entries[n].lpOverlapped, static_cast<ULONG>(entries[n].Internal), entries[n].dwNumberOfBytesTransferred);
  }
  return *removed > 0;
}

BOOL GetOverlappedResult(HANDLE, OVERLAPPED* overlapped, DWORD* bytes, BOOL) {
  *bytes = static_cast<DWORD>(overlapped->InternalHigh);
  if (overlapped->Internal == 0) return TRUE;
  lastError = overlapped->Internal == kStatusPending ? ERROR_IO_INCOMPLETE : static_cast<DWORD>(overlapped->Internal);
  return FALSE;
}

BOOL CancelIoEx(HANDLE file, OVERLAPPED* overlapped) {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  Queue* queue = s.queueOf(file);
  lastError = queue == nullptr ? ERROR_INVALID_HANDLE : ERROR_NOT_FOUND;
  if (queue == nullptr) return FALSE;
  const size_t before = queue->pending.size();
  s.cancelWhere(queue, ERROR_OPERATION_ABORTED,
                [](const Pending& one, uint64_t wanted) { return wanted == 0 || reinterpret_cast<uint64_t>(one.overlapped) == wanted; },
                reinterpret_cast<uint64_t>(overlapped));
  return queue->pending.size() < before;
}

}  // extern "C"
