// The I/O thread of a request queue: its completion port, the overlapped calls on it, and their order.
#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "httpsys/driver.h"
#include "httpsys/operation.h"

namespace httpsys {
namespace driver {

// What the loop asks of its owner, always on the I/O thread.
class LoopOwner {
 public:
  virtual void onWake() = 0;
  // The completions at hand were worked off: what was gathered leaves now.
  virtual void onTurnEnd() = 0;
  // Milliseconds until the owner wants to be asked again, INFINITE for never.
  virtual DWORD waitMs() = 0;
  virtual bool finished() = 0;
  // The loop is about to end.
  virtual void onStopped() = 0;

 protected:
  ~LoopOwner() = default;
};

class QueueLoop {
 public:
  explicit QueueLoop(LoopOwner* owner) : owner_(owner) {}
  QueueLoop(const QueueLoop&) = delete;
  QueueLoop& operator=(const QueueLoop&) = delete;
  ~QueueLoop();

  // Joins the queue's handle to a port of its own and starts the thread.
  bool start(HANDLE queue, DriverError* error);
  // From any thread: makes the loop call onWake.
  void wake();
  // From any thread: the loop ends where it is. Joins it.
  void abandon();
  void join();

  // Issues an overlapped call: `call(OVERLAPPED*, ULONG* returned)` gives a Win32 code. However it ends, `completed` is called later, from the loop
  // and never from inside this function, so that calls which end at once cannot pile up on the stack.
  template <typename Call>
  void issue(Operation* operation, Call call) {
    operation->prepare();
    operation->inFlight_ = true;
    operation->returned_ = 0;
    ++inFlight_;
    const ULONG result = call(static_cast<OVERLAPPED*>(operation), &operation->returned_);
    // IO-2, IO-3.
    if (result == ERROR_IO_PENDING || (result == NO_ERROR && !skipsPackets_)) return;
    ended_.push_back(Ended{operation, result});
  }
  void cancel(Operation* operation);
  // Every call under way on the queue.
  void cancelAll();
  size_t inFlight() const { return inFlight_; }

  // A packet may still come for this call although it has ended (Wine: ERROR_MORE_DATA at once): `release` is called when it cannot any more.
  void releaseLater(std::function<void()> release);

 private:
  struct Ended {
    Operation* operation;
    ULONG error;
  };

  void run();
  void workOff();
  void take(const OVERLAPPED_ENTRY& entry);

  LoopOwner* owner_;
  HANDLE queue_ = nullptr;
  HANDLE port_ = nullptr;
  bool skipsPackets_ = false;
  bool abandoned_ = false;
  size_t inFlight_ = 0;
  std::vector<Ended> ended_, working_;
  std::thread thread_;
};

}  // namespace driver
}  // namespace httpsys
