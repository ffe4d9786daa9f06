// A client's connection as the application is told of it.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "common/slots.h"
#include "httpsys/operation.h"

namespace httpsys {
namespace driver {

class Exchange;
class RequestQueue;

// Waits for the end of the connection (GONE-3).
class Connection final : public Operation {
 public:
  Connection(RequestQueue* queue, HTTP_CONNECTION_ID key, const HTTP_REQUEST& request);

  uint32_t id = 0;
  const HTTP_CONNECTION_ID key;
  // The request under way; HTTP/1.1 has one at a time (RECV-7).
  Exchange* current = nullptr;
  // Known by its key; the concurrent streams of an HTTP/2 connection are told of as connections of their own.
  bool keyed = true;
  // The application has been told that it is closed; the object waits for its packet only.
  bool closed = false;
  // Neighbours among the idle ones, oldest first.
  Connection* previous = nullptr;
  Connection* next = nullptr;
  bool listed = false;

  // Under Wine the id of a connection is used again for another one.
  bool sameClient(const HTTP_REQUEST& request) const;

  void completed(ULONG error, ULONG bytes, bool atOnce) override;

 private:
  RequestQueue* queue_;
  uint16_t remotePort_;
};

// The connections of one queue that the application knows.
class ConnectionTable {
 public:
  explicit ConnectionTable(RequestQueue* queue) : queue_(queue) {}
  ~ConnectionTable();

  // The connection a request came on, with a CONNECTION frame written when it is new to the application; null when no id is free.
  Connection* of(const HTTP_REQUEST& request, const HTTP_SSL_CLIENT_CERT_INFO* certificate);
  bool knows(HTTP_CONNECTION_ID key) const { return keys_.count(key) > 0; }
  Connection* find(uint32_t id) const { return ids_.find(id); }
  // Its request is over.
  void idle(Connection* connection);
  // Tells the application. The object may be gone afterwards.
  void close(Connection* connection);
  // The idle ones, or all. A request under way is cancelled.
  void closeAll(bool busyToo);
  void closeOne(uint32_t id);
  // Frees a closed one that nothing refers to any more.
  void releaseIfDone(Connection* connection);
  size_t size() const { return open_; }
  // The system does not wait for the end of connections: nobody says when they close.
  void waitRefused() { waitsRefused_ = true; }

 private:
  bool givesNotice() const;
  void list(Connection* connection);
  void unlist(Connection* connection);

  RequestQueue* queue_;
  SlotTable<Connection> ids_;
  std::unordered_map<HTTP_CONNECTION_ID, Connection*> keys_;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> all_;
  size_t open_ = 0;
  Connection* oldest_ = nullptr;
  Connection* newest_ = nullptr;
  size_t idleCount_ = 0;
  bool waitsRefused_ = false;
};

}  // namespace driver
}  // namespace httpsys
