// The access list of a queue, which can be given only when it is created (QUEUE-4).
#pragma once

#include <string>

#include "httpsys/driver.h"
#include "httpsys/http_api.h"

namespace httpsys {
namespace driver {

class QueueSecurity {
 public:
  QueueSecurity() = default;
  QueueSecurity(const QueueSecurity&) = delete;
  QueueSecurity& operator=(const QueueSecurity&) = delete;
  ~QueueSecurity();

  // Takes a security descriptor as text (SDDL); an empty one leaves the system's default.
  bool parse(const std::u16string& sddl, DriverError* error);
  // Null for the system's default.
  SECURITY_ATTRIBUTES* attributes() { return descriptor_ == nullptr ? nullptr : &attributes_; }

 private:
  PSECURITY_DESCRIPTOR descriptor_ = nullptr;
  SECURITY_ATTRIBUTES attributes_{};
};

}  // namespace driver
}  // namespace httpsys
