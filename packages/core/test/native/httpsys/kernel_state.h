// The scripted kernel's own objects; kernel.cc, kernel_calls.cc and win32.cc share them under one lock.
#pragma once

#include <condition_variable>
#include <memory>
#include <optional>
#include <set>

#include "kernel.h"

namespace kernel {

struct Port {
  std::deque<OVERLAPPED_ENTRY> packets;
};

struct Queue;

struct Pending {
  std::string name;
  OVERLAPPED* overlapped;
  uint64_t request = 0;
  uint64_t connection = 0;
  uint8_t* buffer = nullptr;
  ULONG bytes = 0;
  ULONG result = 0;  // held: what it ends with
  ULONG count = 0;
};

struct Request {
  uint64_t id = 0;
  RequestSpec spec;
  bool taken = false;      // a receiver has it
  bool delivered = false;  // and all of it
  bool gone = false;
  ULONG bodyError = 0;
  Answer answer;
};

struct Queue {
  std::u16string name;
  std::string security;
  bool closed = false;
  bool shutdown = false;
  bool skips = false;
  Port* port = nullptr;
  ULONG_PTR key = 0;
  std::deque<Pending> pending;
};

struct Group {
  uint64_t session;
  Queue* queue = nullptr;
  std::set<std::u16string> urls;
};

struct State {
  std::mutex mutex;
  std::condition_variable changed;
  int initialized = 0;
  uint64_t lastId = 0;
  std::set<uint64_t> sessions;
  std::map<uint64_t, Group> groups;
  std::vector<std::unique_ptr<Queue>> queues;
  std::map<Port*, std::unique_ptr<Port>> ports;
  std::map<uint64_t, Request> requests;
  std::map<uint64_t, bool> connections;  // by id: open
  std::map<std::string, int> calls;
  std::map<int, std::string> properties;
  std::string flushed;
  std::set<void*> tokens;
  std::map<std::string, std::string> disk;  // by path
  std::map<std::u16string, std::string> fragments;
  std::map<void*, std::string> files;       // open ones, by handle: the path

  Queue* queueOf(HANDLE handle);
  // Ends a call by a packet. Locked.
  void post(Queue* queue, OVERLAPPED* overlapped, ULONG error, ULONG bytes);
  void finish(Queue* queue, size_t index, ULONG error, ULONG bytes);
  void cancelWhere(Queue* queue, ULONG error, bool (*which)(const Pending&, uint64_t), uint64_t value);
  void match();
  void pumpReads(Request* request);
};

State& state();
extern thread_local DWORD lastError;

// Fills a receive's buffer; the Win32 code, and in *returned what it takes.
ULONG writeRequest(Request* request, uint8_t* buffer, ULONG bytes, ULONG* returned, bool copyBody);
void* entryPoint(const char* name);

}  // namespace kernel
