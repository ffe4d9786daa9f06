// Reads a request body under the application's credit (BODY-1 to BODY-5).
#pragma once

#include <cstdint>
#include <memory>

#include "httpsys/operation.h"

namespace httpsys {
namespace driver {

class Exchange;

class BodyReadOperation final : public Operation {
 public:
  explicit BodyReadOperation(Exchange* exchange) : exchange_(exchange) {}

  void start(uint32_t bytesMax);
  const char* data() const { return buffer_.get(); }
  // The body is over: its buffer is not needed any more.
  void release();

  void completed(ULONG error, ULONG bytes, bool atOnce) override;

 private:
  Exchange* exchange_;
  std::unique_ptr<char[]> buffer_;
  uint32_t capacity_ = 0;
};

}  // namespace driver
}  // namespace httpsys
