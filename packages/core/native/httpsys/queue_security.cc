#include "httpsys/queue_security.h"

#include <sddl.h>

namespace httpsys {
namespace driver {

QueueSecurity::~QueueSecurity() {
  if (descriptor_ != nullptr) LocalFree(descriptor_);
}

bool QueueSecurity::parse(const std::u16string& sddl, DriverError* error) {
  if (sddl.empty()) return true;
  const PCWSTR text = reinterpret_cast<PCWSTR>(sddl.c_str());
  if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(text, SDDL_REVISION_1, &descriptor_, nullptr)) {
    error->code = GetLastError();
    error->function = "ConvertStringSecurityDescriptorToSecurityDescriptorW";
    return false;
  }
  attributes_.nLength = sizeof attributes_;
  attributes_.lpSecurityDescriptor = descriptor_;
  attributes_.bInheritHandle = FALSE;
  return true;
}

}  // namespace driver
}  // namespace httpsys
