// The driver's calls of the completion port, which are no part of the HTTP Server API's table: the linker finds these in the place of kernel32's.
// What ends is told to the recording layer here, and what was answered in Wine's place has its packets here.
#include <algorithm>
#include <cstring>

#include "../recorder.h"
#include "layer.h"

namespace httpsys {
namespace wine {

namespace {

template <typename Function>
Function systemCall(PCWSTR dll, const char* name) {
  void* const address = reinterpret_cast<void*>(GetProcAddress(GetModuleHandleW(dll), name));
  Function function = nullptr;
  std::memcpy(&function, &address, sizeof address);
  return function;
}

#define REAL(name) systemCall<decltype(&::name)>(L"kernel32.dll", #name)

ULONG codeOf(const OVERLAPPED* overlapped) {
  using Translate = ULONG(WINAPI*)(LONG status);
  static const Translate translate = systemCall<Translate>(L"ntdll.dll", "RtlNtStatusToDosError");
  return translate(static_cast<LONG>(overlapped->Internal));
}

HANDLE WINAPI createPort(HANDLE file, HANDLE existing, ULONG_PTR key, DWORD threads) {
  static const auto real = REAL(CreateIoCompletionPort);
  const HANDLE port = real(file, existing, key, threads);
  const Lock lock(mutex());
  Queue& queue = queues()[file] = Queue();
  queue.port = port;
  queue.key = key;
  return port;
}

BOOL WINAPI setModes(HANDLE file, UCHAR flags) {
  static const auto real = REAL(SetFileCompletionNotificationModes);
  const BOOL set = real(file, flags);
  const bool skips = set != FALSE && (flags & FILE_SKIP_COMPLETION_PORT_ON_SUCCESS) != 0;
  {
    const Lock lock(mutex());
    queues()[file].skips = skips;
  }
  recorder::modesSet(file, skips);
  return set;
}

BOOL WINAPI cancel(HANDLE file, OVERLAPPED* overlapped) {
  static const auto real = REAL(CancelIoEx);
  {
    const Lock lock(mutex());
    const auto queue = queues().find(file);
    if (queue != queues().end()) cancelWaits(&queue->second, overlapped);
  }
  return real(file, overlapped);
}

Queue* queueOf(HANDLE port) {
  for (auto& queue : queues()) {
    if (queue.second.port == port) return &queue.second;
  }
  return nullptr;
}

// Packets of this layer's own sends end here.
void sort(Queue* queue, const OVERLAPPED_ENTRY& entry) {
  if (entry.lpCompletionKey == queue->key && queue->own.erase(entry.lpOverlapped) > 0) {
    delete entry.lpOverlapped;
    return;
  }
  const auto receive = entry.lpCompletionKey == queue->key ? queue->receives.find(entry.lpOverlapped) : queue->receives.end();
  if (receive != queue->receives.end()) {
    if (codeOf(entry.lpOverlapped) == NO_ERROR) requestCame(queue, *receive->second);
    queue->receives.erase(receive);
  }
  queue->taken.push_back(entry);
}

ULONG handOn(Queue* queue, OVERLAPPED_ENTRY* entries, ULONG count) {
  ULONG handed = 0;
  while (handed < count && !queue->taken.empty()) {
    entries[handed++] = queue->taken.front();
    queue->taken.pop_front();
  }
  for (ULONG n = 0; n < handed; ++n) {
    if (entries[n].lpCompletionKey != queue->key) continue;
    recorder::packetTaken(entries[n].lpOverlapped, codeOf(entries[n].lpOverlapped), entries[n].dwNumberOfBytesTransferred);
  }
  return handed;
}

BOOL WINAPI takePackets(HANDLE port, OVERLAPPED_ENTRY* entries, ULONG count, ULONG* removed, DWORD milliseconds, BOOL alertable) {
  static const auto real = REAL(GetQueuedCompletionStatusEx);
  const ULONGLONG end = GetTickCount64() + milliseconds;
  for (;;) {
    DWORD slice = milliseconds;
    {
      const Lock lock(mutex());
      if (Queue* const queue = queueOf(port)) {
        lookForClients(queue);
        *removed = handOn(queue, entries, count);
        if (*removed > 0) return TRUE;
        if (waitsForClients(*queue)) slice = std::min(slice, kLookMs);
      }
    }
    if (real(port, entries, count, removed, slice, alertable)) {
      const Lock lock(mutex());
      if (Queue* const queue = queueOf(port)) {
        for (ULONG n = 0; n < *removed; ++n) sort(queue, entries[n]);
      }
    } else if (GetLastError() != WAIT_TIMEOUT || (milliseconds != INFINITE && GetTickCount64() >= end)) {
      return FALSE;
    }
  }
}

#undef REAL

}  // namespace

}  // namespace wine
}  // namespace httpsys

extern "C" {
// What a call of an imported function goes through.
decltype(&CreateIoCompletionPort) __imp_CreateIoCompletionPort = httpsys::wine::createPort;
decltype(&SetFileCompletionNotificationModes) __imp_SetFileCompletionNotificationModes = httpsys::wine::setModes;
decltype(&CancelIoEx) __imp_CancelIoEx = httpsys::wine::cancel;
decltype(&GetQueuedCompletionStatusEx) __imp_GetQueuedCompletionStatusEx = httpsys::wine::takePackets;
}
