#include "httpsys/connection.h"

#include <cstring>
#include <vector>

#include "common/frame_writer.h"
#include "httpsys/driver_limits.h"
#include "httpsys/exchange.h"
#include "httpsys/gone.h"
#include "httpsys/http_functions.h"
#include "httpsys/request_frames.h"
#include "httpsys/request_queue.h"

namespace httpsys {
namespace driver {

namespace {

uint16_t remotePortOf(const HTTP_REQUEST& request) {
  const SOCKADDR* address = request.Address.pRemoteAddress;
  if (address == nullptr) return 0;
  // The port stands at the same place for both families.
  SOCKADDR_IN in;
  std::memcpy(&in, address, sizeof in);
  return in.sin_port;
}

}  // namespace

Connection::Connection(RequestQueue* queue, HTTP_CONNECTION_ID connectionKey, const HTTP_REQUEST& request)
    : key(connectionKey), queue_(queue), remotePort_(remotePortOf(request)) {}

bool Connection::sameClient(const HTTP_REQUEST& request) const { return remotePort_ == remotePortOf(request); }

void Connection::completed(ULONG error, ULONG, bool) {
  ConnectionTable& table = queue_->connections();
  if (closed) {
    table.releaseIfDone(this);
    return;
  }
  // The call was refused: that says nothing about the client, whose request must not suffer.
  if (error != NO_ERROR && !meansGone(error)) {
    table.waitRefused();
    return;
  }
  if (current != nullptr) current->clientGone();
  table.close(this);
}

ConnectionTable::~ConnectionTable() = default;

bool ConnectionTable::givesNotice() const {
  return !waitsRefused_ && (capabilities().waitForDisconnectEx || capabilities().waitForDisconnect);
}

Connection* ConnectionTable::of(const HTTP_REQUEST& request, const HTTP_SSL_CLIENT_CERT_INFO* certificate) {
  const auto found = keys_.find(request.ConnectionId);
  Connection* known = found == keys_.end() ? nullptr : found->second;
  if (known != nullptr && known->current == nullptr) {
    if (givesNotice() || known->sameClient(request)) {
      unlist(known);
      return known;
    }
    close(known);
    known = nullptr;
  }
  auto fresh = std::make_unique<Connection>(queue_, request.ConnectionId, request);
  Connection* connection = fresh.get();
  connection->id = ids_.add(connection);
  if (connection->id == 0) return nullptr;
  // Another request of this connection is under way: a stream of HTTP/2.
  connection->keyed = known == nullptr;
  if (connection->keyed) keys_[connection->key] = connection;
  all_.emplace(connection, std::move(fresh));
  ++open_;
  appendConnection(queue_->out(), queue_->handle(), request, certificate, connection->id);
  if (connection->keyed && givesNotice()) {
    const HANDLE handle = queue_->handle();
    queue_->loop().issue(connection, [&](OVERLAPPED* overlapped, ULONG*) {
      if (capabilities().waitForDisconnectEx) return functions().WaitForDisconnectEx(handle, connection->key, 0, overlapped);
      return functions().WaitForDisconnect(handle, connection->key, overlapped);
    });
  }
  return connection;
}

void ConnectionTable::idle(Connection* connection) {
  connection->current = nullptr;
  if (connection->closed) {
    releaseIfDone(connection);
    return;
  }
  if (!connection->keyed) {
    close(connection);
    return;
  }
  list(connection);
  // Nobody says when these close: the one that was silent longest is taken for closed, and would be told of anew.
  if (!givesNotice() && idleCount_ > limits::kIdleConnectionsMax) close(oldest_);
}

void ConnectionTable::close(Connection* connection) {
  if (connection->closed) return;
  connection->closed = true;
  unlist(connection);
  ids_.remove(connection->id);
  if (connection->keyed) {
    const auto found = keys_.find(connection->key);
    if (found != keys_.end() && found->second == connection) keys_.erase(found);
  }
  --open_;
  appendFrame(queue_->out(), frames::kConnectionClosed, 0, 0, connection->id);
  queue_->loop().cancel(connection);
  releaseIfDone(connection);
}

void ConnectionTable::closeAll(bool busyToo) {
  std::vector<uint32_t> open;
  open.reserve(open_);
  for (const auto& entry : all_) {
    if (!entry.first->closed) open.push_back(entry.first->id);
  }
  for (const uint32_t id : open) {
    Connection* connection = ids_.find(id);
    if (connection == nullptr || (connection->current != nullptr && (!busyToo || connection->current->isOpaque()))) continue;
    closeOne(id);
  }
}

void ConnectionTable::closeOne(uint32_t id) {
  if (Connection* connection = ids_.find(id)) {
    if (connection->current != nullptr) connection->current->cancel();
  }
  // The end of its request may have closed it.
  if (Connection* connection = ids_.find(id)) close(connection);
}

void ConnectionTable::releaseIfDone(Connection* connection) {
  if (connection->closed && !connection->inFlight() && connection->current == nullptr) all_.erase(connection);
}

void ConnectionTable::list(Connection* connection) {
  connection->previous = newest_;
  connection->next = nullptr;
  (newest_ != nullptr ? newest_->next : oldest_) = connection;
  newest_ = connection;
  connection->listed = true;
  ++idleCount_;
}

void ConnectionTable::unlist(Connection* connection) {
  if (!connection->listed) return;
  (connection->previous != nullptr ? connection->previous->next : oldest_) = connection->next;
  (connection->next != nullptr ? connection->next->previous : newest_) = connection->previous;
  connection->previous = connection->next = nullptr;
  connection->listed = false;
  --idleCount_;
}

}  // namespace driver
}  // namespace httpsys
