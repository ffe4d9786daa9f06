// What native/httpsys uses of Windows' own headers, for Linux: so that the driver runs under sanitizers against the scripted kernel. Declarations
// of this project; win32.cc is behind them. WCHAR has 16 bits: compile with -fshort-wchar.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <cwchar>

#define WINAPI
#define TRUE 1
#define FALSE 0
#define INFINITE 0xffffffffu

using BOOL = int;
using BOOLEAN = uint8_t;
using UCHAR = uint8_t;
using PUCHAR = uint8_t*;
using USHORT = uint16_t;
using WORD = uint16_t;
using SHORT = int16_t;
using LONG = int32_t;
using ULONG = uint32_t;
using PULONG = uint32_t*;
using DWORD = uint32_t;
using LONGLONG = int64_t;
using ULONGLONG = uint64_t;
using ULONG64 = uint64_t;
using ULONG_PTR = uintptr_t;
using PVOID = void*;
using LPVOID = void*;
using HANDLE = void*;
using HMODULE = void*;
using CHAR = char;
using PCHAR = char*;
using PSTR = char*;
using PCSTR = const char*;
using WCHAR = wchar_t;
using PWCHAR = wchar_t*;
using PWSTR = wchar_t*;
using PCWSTR = const wchar_t*;
using FARPROC = void (*)();
using SECURITY_STATUS = LONG;
using PSID = void*;
using LPWSTR = wchar_t*;
using HLOCAL = void*;
static_assert(sizeof(WCHAR) == 2, "compile with -fshort-wchar");

// The C library's counts words of 32 bits.
namespace std {
inline size_t wcslen16(const wchar_t* text) {
  size_t length = 0;
  while (text[length] != 0) ++length;
  return length;
}
}  // namespace std
#define wcslen wcslen16

struct GUID {
  uint32_t Data1;
  uint16_t Data2, Data3;
  uint8_t Data4[8];
};

union ULARGE_INTEGER {
  struct {
    DWORD LowPart, HighPart;
  };
  ULONGLONG QuadPart;
};

struct SECURITY_ATTRIBUTES {
  DWORD nLength;
  PVOID lpSecurityDescriptor;
  BOOL bInheritHandle;
};

struct OVERLAPPED {
  ULONG_PTR Internal;
  ULONG_PTR InternalHigh;
  union {
    struct {
      DWORD Offset, OffsetHigh;
    };
    PVOID Pointer;
  };
  HANDLE hEvent;
};

struct OVERLAPPED_ENTRY {
  ULONG_PTR lpCompletionKey;
  OVERLAPPED* lpOverlapped;
  ULONG_PTR Internal;
  DWORD dwNumberOfBytesTransferred;
};

// Win32 codes (http-server-api.md section 14, and what the driver names beside them).
constexpr ULONG NO_ERROR = 0;
constexpr ULONG ERROR_SUCCESS = 0;
constexpr ULONG ERROR_INVALID_FUNCTION = 1;
constexpr ULONG ERROR_FILE_NOT_FOUND = 2;
constexpr ULONG ERROR_PATH_NOT_FOUND = 3;
constexpr ULONG ERROR_ACCESS_DENIED = 5;
constexpr ULONG ERROR_INVALID_HANDLE = 6;
constexpr ULONG ERROR_BAD_COMMAND = 22;
constexpr ULONG ERROR_SHARING_VIOLATION = 32;
constexpr ULONG ERROR_HANDLE_EOF = 38;
constexpr ULONG ERROR_NOT_SUPPORTED = 50;
constexpr ULONG ERROR_NETNAME_DELETED = 64;
constexpr ULONG ERROR_INVALID_PARAMETER = 87;
constexpr ULONG ERROR_BROKEN_PIPE = 109;
constexpr ULONG ERROR_CALL_NOT_IMPLEMENTED = 120;
constexpr ULONG ERROR_INSUFFICIENT_BUFFER = 122;
constexpr ULONG ERROR_INVALID_NAME = 123;
constexpr ULONG ERROR_PROC_NOT_FOUND = 127;
constexpr ULONG ERROR_ALREADY_EXISTS = 183;
constexpr ULONG ERROR_MORE_DATA = 234;
constexpr ULONG ERROR_OPERATION_ABORTED = 995;
constexpr ULONG ERROR_IO_INCOMPLETE = 996;
constexpr ULONG ERROR_IO_PENDING = 997;
constexpr ULONG ERROR_NOACCESS = 998;
constexpr ULONG ERROR_DLL_INIT_FAILED = 1114;
constexpr ULONG ERROR_NOT_FOUND = 1168;
constexpr ULONG ERROR_INVALID_NETNAME = 1214;
constexpr ULONG ERROR_CONNECTION_INVALID = 1229;
constexpr ULONG ERROR_CONNECTION_ABORTED = 1236;
constexpr ULONG ERROR_REVISION_MISMATCH = 1306;

#define INVALID_HANDLE_VALUE (reinterpret_cast<HANDLE>(~uintptr_t{0}))
constexpr UCHAR FILE_SKIP_COMPLETION_PORT_ON_SUCCESS = 1;
constexpr UCHAR FILE_SKIP_SET_EVENT_ON_HANDLE = 2;
constexpr DWORD LOAD_LIBRARY_SEARCH_SYSTEM32 = 0x800;

constexpr DWORD GENERIC_READ = 0x80000000u;
constexpr DWORD FILE_SHARE_READ = 1, FILE_SHARE_WRITE = 2, FILE_SHARE_DELETE = 4;
constexpr DWORD OPEN_EXISTING = 3;
constexpr DWORD FILE_FLAG_SEQUENTIAL_SCAN = 0x08000000u, FILE_FLAG_OVERLAPPED = 0x40000000u;
constexpr DWORD MB_ERR_INVALID_CHARS = 8;

#define CP_UTF8 65001u
enum TOKEN_INFORMATION_CLASS { TokenUser = 1 };
enum SID_NAME_USE { SidTypeUser = 1 };
struct SID_AND_ATTRIBUTES {
  PSID Sid;
  DWORD Attributes;
};
struct TOKEN_USER {
  SID_AND_ATTRIBUTES User;
};

extern "C" {
int WideCharToMultiByte(unsigned codePage, DWORD flags, PCWSTR text, int length, PSTR out, int bytes, PCSTR otherwise, BOOL* used);
int MultiByteToWideChar(unsigned codePage, DWORD flags, PCSTR text, int bytes, PWSTR out, int units);
HANDLE CreateFileW(PCWSTR name, DWORD access, DWORD share, SECURITY_ATTRIBUTES* security, DWORD disposition, DWORD flags, HANDLE like);
BOOL GetTokenInformation(HANDLE token, TOKEN_INFORMATION_CLASS kind, void* out, DWORD bytes, DWORD* returned);
BOOL LookupAccountSidW(PCWSTR system, PSID sid, PWSTR name, DWORD* nameLength, PWSTR domain, DWORD* domainLength, SID_NAME_USE* use);
BOOL ConvertSidToStringSidW(PSID sid, PWSTR* text);
using PSECURITY_DESCRIPTOR = void*;
constexpr DWORD SDDL_REVISION_1 = 1;
BOOL ConvertStringSecurityDescriptorToSecurityDescriptorW(PCWSTR text, DWORD revision, PSECURITY_DESCRIPTOR* descriptor, PULONG bytes);
HLOCAL LocalFree(HLOCAL memory);
DWORD GetLastError();
ULONGLONG GetTickCount64();
HMODULE LoadLibraryExW(PCWSTR name, HANDLE file, DWORD flags);
HMODULE GetModuleHandleW(PCWSTR name);
FARPROC GetProcAddress(HMODULE module, PCSTR name);
BOOL CloseHandle(HANDLE handle);
HANDLE GetCurrentProcess();
BOOL GetProcessHandleCount(HANDLE process, DWORD* count);
HANDLE CreateIoCompletionPort(HANDLE file, HANDLE port, ULONG_PTR key, DWORD threads);
BOOL SetFileCompletionNotificationModes(HANDLE file, UCHAR flags);
BOOL PostQueuedCompletionStatus(HANDLE port, DWORD bytes, ULONG_PTR key, OVERLAPPED* overlapped);
BOOL GetQueuedCompletionStatusEx(HANDLE port, OVERLAPPED_ENTRY* entries, ULONG count, ULONG* removed, DWORD milliseconds, BOOL alertable);
BOOL GetOverlappedResult(HANDLE file, OVERLAPPED* overlapped, DWORD* bytes, BOOL wait);
BOOL CancelIoEx(HANDLE file, OVERLAPPED* overlapped);
}
