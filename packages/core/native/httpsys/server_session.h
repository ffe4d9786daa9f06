// The server session and the URL groups in it (LIFE-1 to LIFE-9).
#pragma once

#include <string>

#include "httpsys/driver.h"
#include "httpsys/http_api.h"

namespace httpsys {
namespace driver {

// Holds the library as well: HttpInitialize and HttpTerminate are counted (LIFE-2), so each queue has its own pair.
class ServerSession {
 public:
  ServerSession() = default;
  ServerSession(const ServerSession&) = delete;
  ServerSession& operator=(const ServerSession&) = delete;
  ~ServerSession() { close(); }

  bool open(DriverError* error);
  // Its groups must have been closed before (LIFE-4).
  void close();
  HTTP_SERVER_SESSION_ID id() const { return id_; }

 private:
  bool initialized_ = false;
  HTTP_SERVER_SESSION_ID id_ = HTTP_NULL_ID;
};

// One group for each URL: Wine takes no second one, and the same path is taken everywhere.
class UrlGroup {
 public:
  UrlGroup() = default;
  UrlGroup(const UrlGroup&) = delete;
  UrlGroup& operator=(const UrlGroup&) = delete;
  ~UrlGroup() { close(); }

  // Creates the group and binds it to the queue: its first request must find one.
  bool open(const ServerSession& session, HANDLE queue, DriverError* error);
  bool addUrl(const std::u16string& url, uint32_t context, DriverError* error);
  void removeUrl();
  void close();

  bool set(HTTP_SERVER_PROPERTY property, void* value, ULONG bytes, DriverError* error);

 private:
  HTTP_URL_GROUP_ID id_ = HTTP_NULL_ID;
  bool registered_ = false;
  std::u16string url_;
};

}  // namespace driver
}  // namespace httpsys
