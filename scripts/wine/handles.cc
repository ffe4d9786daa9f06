// handles.node: how many handles this process has, for tests of what stays behind. GetProcessHandleCount is always 0 under Wine, so the
// handles of all processes are listed, as debuggers do it.
#include <napi.h>
#include <windows.h>
#include <winternl.h>

#include <vector>

namespace {

// As Windows lays them out (SystemExtendedHandleInformation).
struct HandleEntry {
  void* object;
  ULONG_PTR process;
  ULONG_PTR handle;
  ULONG access;
  USHORT backTrace, type;
  ULONG attributes, reserved;
};
struct HandleList {
  ULONG_PTR count, reserved;
  HandleEntry entries[1];
};

constexpr int kExtendedHandles = 64;
constexpr LONG kTooSmall = static_cast<LONG>(0xC0000004);
constexpr size_t kBytesMax = 64 << 20;

Napi::Value count(const Napi::CallbackInfo& info) {
  using Query = LONG(WINAPI*)(int, void*, ULONG, ULONG*);
  void* address = reinterpret_cast<void*>(GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "NtQuerySystemInformation"));
  const Query query = reinterpret_cast<Query>(address);
  std::vector<char> bytes(1 << 20);
  LONG status = kTooSmall;
  for (; bytes.size() <= kBytesMax; bytes.resize(bytes.size() * 2)) {
    status = query(kExtendedHandles, bytes.data(), static_cast<ULONG>(bytes.size()), nullptr);
    if (status != kTooSmall) break;
  }
  if (status != 0) return info.Env().Undefined();
  const HandleList* list = reinterpret_cast<const HandleList*>(bytes.data());
  uint32_t own = 0;
  for (ULONG_PTR i = 0; i < list->count; ++i) own += list->entries[i].process == GetCurrentProcessId() ? 1 : 0;
  return Napi::Number::New(info.Env(), own);
}

Napi::Object start(Napi::Env env, Napi::Object exports) {
  exports.Set("count", Napi::Function::New(env, count));
  return exports;
}

}  // namespace

NODE_API_MODULE(handles, start)
