// Where the layer says what it has found: a file for each process in the folder HTTPSYS_RECORDING, which scripts/test-windows.mjs and the tests'
// preload read.
//   loaded           the layer is in this process
//   checked 120      so many calls since the last such line
//   broken SEND-5: nothing tells where the body ends
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>

#include "../recorder.h"
#include "layer.h"

namespace httpsys {

namespace wine {

namespace {

// Of one process; a rule that is broken once is mostly broken again.
constexpr int kBrokenMax = 100;

HttpFunctions recorded;

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

HANDLE openReport() {
  const std::string folder = variable("HTTPSYS_RECORDING");
  // Nobody reads it: a program that is run by hand.
  if (folder.empty()) return GetStdHandle(STD_ERROR_HANDLE);
  const std::string path = folder + "/" + std::to_string(GetCurrentProcessId()) + ".txt";
  return CreateFileA(path.c_str(), FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr, OPEN_ALWAYS,
                     FILE_ATTRIBUTE_NORMAL, nullptr);
}

void write(std::string line) {
  static const HANDLE file = openReport();
  line += '\n';
  DWORD count = 0;
  WriteFile(file, line.data(), static_cast<DWORD>(line.size()), &count, nullptr);
}

void reportBroken(const std::string& violation) {
  static std::atomic<int> reported{0};
  if (reported++ < kBrokenMax) write("broken " + violation);
}

// A queue that closes is a good moment to say what was done.
ULONG WINAPI CloseRequestQueue(HANDLE queue) {
  static std::atomic<uint64_t> told{0};
  const ULONG code = recorded.CloseRequestQueue(queue);
  const uint64_t now = recorder::callsChecked();
  write("checked " + std::to_string(now - told.exchange(now)));
  return code;
}

ULONG WINAPI SendHttpResponse(HANDLE queue, HTTP_REQUEST_ID id, ULONG flags, HTTP_RESPONSE* response, HTTP_CACHE_POLICY* policy, ULONG* sent,
                              PVOID reserved, ULONG reserved2, OVERLAPPED* overlapped, HTTP_LOG_DATA* log) {
  constexpr ULONG kUnknownFlag = 0x400;
  if (breaks("SEND-FLAGS")) flags |= kUnknownFlag;
  return recorded.SendHttpResponse(queue, id, flags, response, policy, sent, reserved, reserved2, overlapped, log);
}

}  // namespace

bool breaks(const char* rule) {
  static const std::string wanted = variable("HTTPSYS_RECORDING_BREAK");
  return wanted == rule;
}

}  // namespace wine

void wrapFunctions(HttpFunctions* table, Capabilities* capabilities) {
  wine::answer(table, capabilities);
  recorder::wrap(table, capabilities);
  recorder::reportTo(wine::reportBroken);
  wine::recorded = *table;
  table->CloseRequestQueue = wine::CloseRequestQueue;
  table->SendHttpResponse = wine::SendHttpResponse;
  wine::write("loaded");
}

}  // namespace httpsys
