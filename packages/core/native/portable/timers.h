// Deadlines of many connections in a coarse wheel. The hot path only stores a deadline: an entry is moved when its slot comes up,
// or when its deadline becomes earlier than its slot.
#pragma once

#include <uv.h>

#include <cstdint>

namespace httpsys {

class Timers;

// Base of what has a deadline.
class Timed {
 public:
  virtual void onDeadline() = 0;

 protected:
  Timed() = default;
  ~Timed() = default;

 private:
  friend class Timers;
  Timed* timerPrevious_ = nullptr;
  Timed* timerNext_ = nullptr;
  uint64_t deadlineMs_ = 0;  // 0: none
  uint64_t slotTick_ = 0;    // 0: not in the wheel
  uint32_t slot_ = 0;        // the list it is in
};

class Timers {
 public:
  static constexpr uint32_t kTickMs = 100;
  static constexpr uint32_t kSlots = 1024;

  void open(uv_loop_t* loop);
  void close(uv_close_cb onClosed, void* data);

  void set(Timed* item, uint64_t deadlineMs) {
    item->deadlineMs_ = deadlineMs;
    if (deadlineMs != 0 && (item->slotTick_ == 0 || tickOf(deadlineMs) < item->slotTick_)) place(item);
  }
  void clear(Timed* item) { item->deadlineMs_ = 0; }
  // Must be called before `item` goes away.
  void remove(Timed* item);

 private:
  static uint64_t tickOf(uint64_t ms) { return ms / kTickMs + 1; }
  void place(Timed* item);
  void link(Timed* item, uint64_t tick, uint32_t slot);
  void unlink(Timed* item);
  void arm();
  void onTick();

  uv_timer_t timer_;
  uv_loop_t* loop_ = nullptr;
  Timed* slots_[kSlots + 1] = {};  // one more for what is due, while it is worked off
  uint64_t lastTick_ = 0;   // the last tick that was worked off
  uint64_t armedTick_ = 0;  // 0: the timer is not running
};

}  // namespace httpsys
