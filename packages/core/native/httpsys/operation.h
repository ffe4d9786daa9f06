// One overlapped call: the OVERLAPPED the system knows it by, and what happens when it ends.
#pragma once

#include "httpsys/http_api.h"

namespace httpsys {
namespace driver {

class Operation : public OVERLAPPED {
 public:
  Operation() { prepare(); }
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  // Called on the I/O thread. `error` is a Win32 code; `atOnce` says that the call itself returned it, without a packet.
  virtual void completed(ULONG error, ULONG bytes, bool atOnce) = 0;

  // From the call until `completed`: the system may write to the OVERLAPPED and what belongs to it.
  bool inFlight() const { return inFlight_; }

 protected:
  ~Operation() = default;

 private:
  friend class QueueLoop;
  void prepare() { *static_cast<OVERLAPPED*>(this) = OVERLAPPED(); }

  bool inFlight_ = false;
  // Where a call that ends at once puts its count; it is left alone otherwise (IO-5).
  ULONG returned_ = 0;
};

}  // namespace driver
}  // namespace httpsys
