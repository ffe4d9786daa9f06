// What the driver knows of a client beyond HTTP: the TLS handshake, its certificate, who its user is (http-server-api.md sections 3.5, 6.2, 9).
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "httpsys/http_api.h"

namespace httpsys {
namespace driver {

// The blocks of a CONNECTION frame; empty on plain http. `certificate` is for a client that has shown none in its handshake; may be null.
std::string connectionBlocks(HANDLE queue, const HTTP_REQUEST& request, const HTTP_SSL_CLIENT_CERT_INFO* certificate);

// Names of users by their SID. Looking one up may ask a domain controller, so each is asked for once.
class UserNames {
 public:
  const std::string& nameOf(const std::string& sidText, PSID sid);

 private:
  std::unordered_map<std::string, std::string> names_;
};

struct UserFacts {
  bool present = false;  // authentication is on
  bool known = false;
  std::string block;     // of REQUEST_FACTS
};

// Closes the token that came with the request (AUTH-5).
UserFacts userOf(const HTTP_REQUEST& request, UserNames* names);

// The blocks of REQUEST_FACTS, empty when there is nothing to say.
std::string factsBlocks(const HTTP_REQUEST& request, const UserFacts& user);

}  // namespace driver
}  // namespace httpsys
