// Between the recording layer and Wine's httpapi.dll, in the Windows build for tests: what Wine would end the process for is answered here, the rest
// goes on. Broken rules go to a file, for they may be found in a process that a test has started, and in one that is killed.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <set>

#include "httpsys/http_functions.h"

namespace httpsys {
namespace wine {

// A request that was handed to the driver and has not been answered to its end.
struct Request {
  HTTP_CONNECTION_ID connection = 0;
  bool headSent = false;
};

// A connection a request has come from.
struct Client {
  USHORT port = 0, localPort = 0;  // in network order
  OVERLAPPED* wait = nullptr;
};

struct Queue {
  HANDLE port = nullptr;
  ULONG_PTR key = 0;
  bool skips = false;
  std::map<HTTP_REQUEST_ID, Request> requests;
  std::map<HTTP_CONNECTION_ID, Client> clients;
  // Receives under way, by their OVERLAPPED.
  std::map<OVERLAPPED*, const HTTP_REQUEST*> receives;
  // Sends of this layer, whose packets are not the driver's.
  std::set<OVERLAPPED*> own;
  // Packets that were taken and are to be handed on.
  std::deque<OVERLAPPED_ENTRY> taken;
  ULONGLONG lookedAt = 0;
};

// How often clients are looked for.
constexpr DWORD kLookMs = 20;

using Lock = std::lock_guard<std::mutex>;

// answers.cc. The lock must be held for what follows.
std::mutex& mutex();
std::map<HANDLE, Queue>& queues();
// A request has come. True: a client that was waited for had this connection's id before, and its wait has ended: that goes first, into `taken`.
bool requestCame(Queue* queue, const HTTP_REQUEST& request);
// The wait for this client ends; its packet is the next to be handed on.
void endWait(Queue* queue, Client* client);
// Ends waits for the end of a connection, one or all, as CancelIoEx does.
void cancelWaits(Queue* queue, const OVERLAPPED* which);

// clients.cc
bool waitsForClients(const Queue& queue);
void lookForClients(Queue* queue);

// Puts the answering functions into the table, and says in the capabilities what they are good for.
void answer(HttpFunctions* table, Capabilities* capabilities);

// report.cc. What a test wants broken (the environment's HTTPSYS_RECORDING_BREAK), to see that it is found.
bool breaks(const char* rule);

}  // namespace wine
}  // namespace httpsys
