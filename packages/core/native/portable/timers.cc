#include "portable/timers.h"

#include <algorithm>

namespace httpsys {

void Timers::open(uv_loop_t* loop) {
  loop_ = loop;
  uv_timer_init(loop, &timer_);
  timer_.data = this;
  // Deadlines alone must not keep an application's process alive; its connections do.
  uv_unref(reinterpret_cast<uv_handle_t*>(&timer_));
  lastTick_ = uv_now(loop) / kTickMs;
}

void Timers::close(uv_close_cb onClosed, void* data) {
  timer_.data = data;
  armedTick_ = 0;
  uv_close(reinterpret_cast<uv_handle_t*>(&timer_), onClosed);
}

void Timers::unlink(Timed* item) {
  if (item->slotTick_ == 0) return;
  if (item->timerPrevious_ != nullptr) {
    item->timerPrevious_->timerNext_ = item->timerNext_;
  } else {
    slots_[item->slot_] = item->timerNext_;
  }
  if (item->timerNext_ != nullptr) item->timerNext_->timerPrevious_ = item->timerPrevious_;
  item->timerPrevious_ = item->timerNext_ = nullptr;
  item->slotTick_ = 0;
}

void Timers::link(Timed* item, uint64_t tick, uint32_t slot) {
  item->timerNext_ = slots_[slot];
  if (item->timerNext_ != nullptr) item->timerNext_->timerPrevious_ = item;
  slots_[slot] = item;
  item->slotTick_ = tick;
  item->slot_ = slot;
}

void Timers::place(Timed* item) {
  unlink(item);
  // Nothing runs while the wheel is empty, so it may lag behind the clock.
  if (armedTick_ == 0) lastTick_ = uv_now(loop_) / kTickMs;
  // Beyond the horizon an entry waits in the farthest slot and is placed again from there.
  const uint64_t tick = std::min(std::max(tickOf(item->deadlineMs_), lastTick_ + 1), lastTick_ + kSlots - 1);
  link(item, tick, tick % kSlots);
  if (armedTick_ == 0 || tick < armedTick_) {
    armedTick_ = tick;
    arm();
  }
}

void Timers::remove(Timed* item) {
  item->deadlineMs_ = 0;
  unlink(item);
}

void Timers::arm() {
  const uint64_t now = uv_now(loop_);
  const uint64_t due = armedTick_ * kTickMs;
  uv_timer_start(
      &timer_, [](uv_timer_t* timer) { static_cast<Timers*>(timer->data)->onTick(); }, due > now ? due - now : 0, 0);
}

void Timers::onTick() {
  const uint64_t now = uv_now(loop_);
  const uint64_t nowTick = now / kTickMs;
  const uint64_t first = lastTick_ + 1;
  const uint64_t last = std::min(nowTick, lastTick_ + kSlots);
  lastTick_ = std::max(nowTick, lastTick_);
  armedTick_ = UINT64_MAX;
  // First taken off the wheel, then worked off: a slot of the past is also a slot of the next turn.
  for (uint64_t tick = first; tick <= last; ++tick) {
    Timed* next = nullptr;
    for (Timed* item = slots_[tick % kSlots]; item != nullptr; item = next) {
      next = item->timerNext_;
      if (item->slotTick_ > nowTick) continue;
      unlink(item);
      link(item, nowTick == 0 ? 1 : nowTick, kSlots);
    }
  }
  while (Timed* item = slots_[kSlots]) {
    unlink(item);
    if (item->deadlineMs_ == 0) continue;
    if (item->deadlineMs_ <= now) {
      item->deadlineMs_ = 0;
      item->onDeadline();
    } else {
      place(item);
    }
  }
  armedTick_ = 0;
  for (uint64_t tick = lastTick_ + 1; tick < lastTick_ + kSlots; ++tick) {
    if (slots_[tick % kSlots] != nullptr) {
      armedTick_ = tick;
      arm();
      break;
    }
  }
}

}  // namespace httpsys
