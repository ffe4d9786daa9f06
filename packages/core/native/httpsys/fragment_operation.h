// Putting a fragment into the driver's cache (section 5.5). The responses that send one are in the .cc, too.
#pragma once

#include <cstdint>
#include <string>

#include "common/response_frame.h"
#include "httpsys/operation.h"

namespace httpsys {
namespace driver {

class RequestQueue;

class FragmentOperation final : public Operation {
 public:
  // `token` comes back with the result. The parts are copied: the system reads them until the call has ended (IO-6).
  FragmentOperation(RequestQueue* queue, uint32_t token, const FragmentParts& parts);

  // Deletes itself when the call has ended.
  void start();
  void completed(ULONG error, ULONG bytes, bool atOnce) override;

 private:
  RequestQueue* queue_;
  uint32_t token_;
  std::u16string name_;
  std::string data_;
  HTTP_DATA_CHUNK chunk_{};
  HTTP_CACHE_POLICY policy_{};
};

}  // namespace driver
}  // namespace httpsys
