#include "httpsys/queue_loop.h"

#include <memory>
#include <utility>

#include "httpsys/driver_limits.h"

namespace httpsys {
namespace driver {

namespace {

// Completion keys; packets of the system carry kQueue.
enum Key : ULONG_PTR { kQueue = 1, kWake = 2, kRelease = 3, kAbandon = 4 };

bool fail(const char* function, DriverError* error) {
  error->code = GetLastError();
  error->function = function;
  return false;
}

}  // namespace

QueueLoop::~QueueLoop() {
  join();
  if (port_ != nullptr) CloseHandle(port_);
}

bool QueueLoop::start(HANDLE queue, DriverError* error) {
  queue_ = queue;
  port_ = CreateIoCompletionPort(queue, nullptr, kQueue, 1);
  if (port_ == nullptr) return fail("CreateIoCompletionPort", error);
  // Without it a call that ends at once posts a packet as well; the loop can live with either.
  skipsPackets_ = SetFileCompletionNotificationModes(queue, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | FILE_SKIP_SET_EVENT_ON_HANDLE) != FALSE;
  thread_ = std::thread([this] { run(); });
  return true;
}

void QueueLoop::wake() { PostQueuedCompletionStatus(port_, 0, kWake, nullptr); }

void QueueLoop::abandon() {
  if (!thread_.joinable()) return;
  PostQueuedCompletionStatus(port_, 0, kAbandon, nullptr);
  thread_.join();
}

void QueueLoop::join() {
  if (thread_.joinable()) thread_.join();
}

void QueueLoop::cancel(Operation* operation) {
  if (operation->inFlight_) CancelIoEx(queue_, operation);
}

void QueueLoop::cancelAll() { CancelIoEx(queue_, nullptr); }

void QueueLoop::releaseLater(std::function<void()> release) {
  // The port is first in, first out: a packet that the call itself has posted is in front of this one.
  auto* held = new std::function<void()>(std::move(release));
  if (!PostQueuedCompletionStatus(port_, 0, kRelease, reinterpret_cast<OVERLAPPED*>(held))) delete held;
}

void QueueLoop::run() {
  OVERLAPPED_ENTRY entries[limits::kCompletionsPerTurn];
  while (!abandoned_) {
    workOff();
    owner_->onTurnEnd();
    if (owner_->finished()) break;
    ULONG count = 0;
    const DWORD wait = ended_.empty() ? owner_->waitMs() : 0;
    if (!GetQueuedCompletionStatusEx(port_, entries, limits::kCompletionsPerTurn, &count, wait, FALSE)) count = 0;
    for (ULONG n = 0; n < count; ++n) take(entries[n]);
  }
  if (!abandoned_) owner_->onStopped();
}

// Calls that ended at once. Those that their completions begin wait for the next turn, so that a flood of requests which are there already
// does not keep the others from being looked at.
void QueueLoop::workOff() {
  working_.swap(ended_);
  for (const Ended& one : working_) {
    one.operation->inFlight_ = false;
    --inFlight_;
    one.operation->completed(one.error, one.operation->returned_, true);
  }
  working_.clear();
}

void QueueLoop::take(const OVERLAPPED_ENTRY& entry) {
  switch (entry.lpCompletionKey) {
    case kWake:
      owner_->onWake();
      return;
    case kRelease: {
      const std::unique_ptr<std::function<void()>> held(reinterpret_cast<std::function<void()>*>(entry.lpOverlapped));
      (*held)();
      return;
    }
    case kAbandon:
      abandoned_ = true;
      return;
    default:
      break;
  }
  Operation* operation = static_cast<Operation*>(entry.lpOverlapped);
  // The second word of a call that has told its end already.
  if (!operation->inFlight_) return;
  operation->inFlight_ = false;
  --inFlight_;
  DWORD bytes = 0;
  const ULONG error = GetOverlappedResult(queue_, operation, &bytes, FALSE) ? static_cast<ULONG>(NO_ERROR) : GetLastError();
  operation->completed(error, error == NO_ERROR ? bytes : entry.dwNumberOfBytesTransferred, false);
}

}  // namespace driver
}  // namespace httpsys
