// What is answered in the place of Wine's stubs (WINE-19, WINE-20): as Windows would, as far as the driver can tell.
#include "layer.h"

#include <cstring>
#include <memory>

namespace httpsys {
namespace wine {

namespace {

constexpr ULONG_PTR kStatusSuccess = 0;
constexpr ULONG_PTR kStatusPending = 0x103;
constexpr ULONG_PTR kStatusCancelled = 0xc0000120;

HttpFunctions next;

// The service knows IPv4 only (WINE-15).
USHORT portOf(const SOCKADDR* address) {
  SOCKADDR_IN in{};
  if (address != nullptr) std::memcpy(&in, address, sizeof in);
  return in.sin_port;
}

void post(const Queue& queue, OVERLAPPED* overlapped, ULONG_PTR status) {
  overlapped->Internal = status;
  overlapped->InternalHigh = 0;
  PostQueuedCompletionStatus(queue.port, 0, queue.key, overlapped);
}

void connectionEnded(Queue* queue, HTTP_CONNECTION_ID id) {
  const auto client = queue->clients.find(id);
  if (client == queue->clients.end()) return;
  if (client->second.wait != nullptr) post(*queue, client->second.wait, kStatusSuccess);
  queue->clients.erase(client);
}

ULONG WINAPI ReceiveHttpRequest(HANDLE handle, HTTP_REQUEST_ID id, ULONG flags, HTTP_REQUEST* buffer, ULONG bytes, ULONG* returned,
                                OVERLAPPED* overlapped) {
  {
    const Lock lock(mutex());
    queues()[handle].receives[overlapped] = buffer;
  }
  const ULONG code = next.ReceiveHttpRequest(handle, id, flags, buffer, bytes, returned, overlapped);
  const Lock lock(mutex());
  Queue& queue = queues()[handle];
  const bool atOnce = code == NO_ERROR && queue.skips;
  if (code == ERROR_IO_PENDING || (code == NO_ERROR && !atOnce)) return code;
  queue.receives.erase(overlapped);
  if (!atOnce || !requestCame(&queue, *buffer)) return code;
  // The driver must hear of the end of the client before first: so this one is late, too.
  queue.taken.push_back(OVERLAPPED_ENTRY{queue.key, overlapped, 0, static_cast<DWORD>(overlapped->InternalHigh)});
  return ERROR_IO_PENDING;
}

// A send that has ended the response, or that found nobody there (WINE-12).
void sent(HANDLE handle, HTTP_REQUEST_ID id, ULONG flags, bool isHead, ULONG code) {
  const Lock lock(mutex());
  Queue& queue = queues()[handle];
  const auto request = queue.requests.find(id);
  if (request == queue.requests.end()) return;
  if (code == ERROR_CONNECTION_INVALID) connectionEnded(&queue, request->second.connection);
  const bool refused = code != NO_ERROR && code != ERROR_IO_PENDING;
  if (isHead && !refused) request->second.headSent = true;
  if (code == ERROR_CONNECTION_INVALID || (!refused && (flags & api::kSendMoreData) == 0)) queue.requests.erase(request);
}

ULONG WINAPI SendHttpResponse(HANDLE handle, HTTP_REQUEST_ID id, ULONG flags, HTTP_RESPONSE* response, HTTP_CACHE_POLICY* policy, ULONG* count,
                              PVOID reserved, ULONG reserved2, OVERLAPPED* overlapped, HTTP_LOG_DATA* log) {
  const ULONG code = next.SendHttpResponse(handle, id, flags, response, policy, count, reserved, reserved2, overlapped, log);
  sent(handle, id, flags, true, code);
  return code;
}

ULONG WINAPI SendResponseEntityBody(HANDLE handle, HTTP_REQUEST_ID id, ULONG flags, USHORT chunkCount, HTTP_DATA_CHUNK* chunks, ULONG* count,
                                    PVOID reserved, ULONG reserved2, OVERLAPPED* overlapped, HTTP_LOG_DATA* log) {
  const ULONG code = next.SendResponseEntityBody(handle, id, flags, chunkCount, chunks, count, reserved, reserved2, overlapped, log);
  sent(handle, id, flags, false, code);
  return code;
}

// GONE-5: on Windows the connection is reset. Wine never closes one (WINE-10), and does not outlive a queue that closes with an unanswered
// request: it is told that the response is over.
ULONG WINAPI CancelHttpRequest(HANDLE handle, HTTP_REQUEST_ID id, OVERLAPPED*) {
  const Lock lock(mutex());
  Queue& queue = queues()[handle];
  const auto found = queue.requests.find(id);
  if (found == queue.requests.end()) return ERROR_CONNECTION_INVALID;
  const Request request = found->second;
  queue.requests.erase(found);
  connectionEnded(&queue, request.connection);
  auto own = std::make_unique<OVERLAPPED>(OVERLAPPED());
  ULONG code = NO_ERROR;
  ULONG count = 0;
  if (request.headSent) {
    code = next.SendResponseEntityBody(handle, id, api::kSendDisconnect, 0, nullptr, &count, nullptr, 0, own.get(), nullptr);
  } else {
    HTTP_RESPONSE response{};
    response.StatusCode = 500;
    code = next.SendHttpResponse(handle, id, api::kSendDisconnect, &response, nullptr, &count, nullptr, 0, own.get(), nullptr);
  }
  if (code == ERROR_IO_PENDING || (code == NO_ERROR && !queue.skips)) queue.own.insert(own.release());
  return NO_ERROR;
}

// GONE-3: until the connection has ended.
ULONG WINAPI WaitForDisconnectEx(HANDLE handle, HTTP_CONNECTION_ID id, ULONG, OVERLAPPED* overlapped) {
  const Lock lock(mutex());
  Queue& queue = queues()[handle];
  const auto client = queue.clients.find(id);
  if (client == queue.clients.end()) return ERROR_CONNECTION_INVALID;
  overlapped->Internal = kStatusPending;
  client->second.wait = overlapped;
  return ERROR_IO_PENDING;
}

// CACHE-33: there is nothing to flush.
ULONG WINAPI FlushResponseCache(HANDLE handle, PCWSTR url, ULONG, OVERLAPPED* overlapped) {
  const Lock lock(mutex());
  if (breaks("IO-6")) *const_cast<WCHAR*>(url) = L'H';
  post(queues()[handle], overlapped, kStatusSuccess);
  return ERROR_IO_PENDING;
}

ULONG WINAPI CloseRequestQueue(HANDLE handle) {
  {
    const Lock lock(mutex());
    queues().erase(handle);
  }
  return next.CloseRequestQueue(handle);
}

}  // namespace

// Never destroyed: threads of the driver may outlive statics.
std::mutex& mutex() {
  static std::mutex* const one = new std::mutex;
  return *one;
}

std::map<HANDLE, Queue>& queues() {
  static std::map<HANDLE, Queue>* const all = new std::map<HANDLE, Queue>;
  return *all;
}

bool requestCame(Queue* queue, const HTTP_REQUEST& request) {
  queue->requests[request.RequestId].connection = request.ConnectionId;
  Client& client = queue->clients[request.ConnectionId];
  const USHORT before = client.port;
  client.port = portOf(request.Address.pRemoteAddress);
  client.localPort = portOf(request.Address.pLocalAddress);
  if (client.wait == nullptr || before == client.port) return false;
  // The id is an address there, and used again.
  endWait(queue, &client);
  return true;
}

void endWait(Queue* queue, Client* client) {
  client->wait->Internal = kStatusSuccess;
  client->wait->InternalHigh = 0;
  queue->taken.push_back(OVERLAPPED_ENTRY{queue->key, client->wait, kStatusSuccess, 0});
  client->wait = nullptr;
}

void cancelWaits(Queue* queue, const OVERLAPPED* which) {
  for (auto& client : queue->clients) {
    OVERLAPPED* const wait = client.second.wait;
    if (wait == nullptr || (which != nullptr && wait != which)) continue;
    post(*queue, wait, kStatusCancelled);
    client.second.wait = nullptr;
  }
}

void answer(HttpFunctions* table, Capabilities* capabilities) {
  next = *table;
  table->ReceiveHttpRequest = ReceiveHttpRequest;
  table->SendHttpResponse = SendHttpResponse;
  table->SendResponseEntityBody = SendResponseEntityBody;
  table->CancelHttpRequest = CancelHttpRequest;
  table->WaitForDisconnectEx = WaitForDisconnectEx;
  table->FlushResponseCache = FlushResponseCache;
  table->CloseRequestQueue = CloseRequestQueue;
  capabilities->cancelRequest = capabilities->waitForDisconnectEx = capabilities->responseCache = true;
}

}  // namespace wine
}  // namespace httpsys
