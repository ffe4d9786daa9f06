// Ids of requests and connections: a slot with a generation, so that a finished id is never mistaken for the one after it (docs/frames.md).
#pragma once

#include <cstdint>
#include <vector>

#include "common/limits.h"

namespace httpsys {

template <typename T>
class SlotTable {
 public:
  // 0 when every slot is taken. Ids are never 0, which means "none" in a frame.
  uint32_t add(T* item) {
    uint32_t slot;
    // The one that was free longest, and none before many are: generations must not come round while a frame with an old id is on its way.
    if (free_ > limits::kSlotsAtRest || (free_ > 0 && slots_.size() >= limits::kSlotMax)) {
      slot = oldest_;
      oldest_ = slots_[slot].next;
      --free_;
    } else {
      if (slots_.size() >= limits::kSlotMax) return 0;
      slot = static_cast<uint32_t>(slots_.size());
      slots_.push_back(Slot{nullptr, 1, 0});
    }
    slots_[slot].item = item;
    return slot | (slots_[slot].generation << limits::kSlotBits);
  }

  T* find(uint32_t id) const {
    const uint32_t slot = id & (limits::kSlotMax - 1);
    if (slot >= slots_.size() || slots_[slot].generation != id >> limits::kSlotBits) return nullptr;
    return slots_[slot].item;
  }

  void remove(uint32_t id) {
    const uint32_t at = id & (limits::kSlotMax - 1);
    Slot& slot = slots_[at];
    slot.item = nullptr;
    slot.generation = slot.generation == limits::kGenerationMax ? 1 : slot.generation + 1;
    (free_ == 0 ? oldest_ : slots_[newest_].next) = at;
    newest_ = at;
    ++free_;
  }

 private:
  struct Slot {
    T* item;
    uint32_t generation;
    uint32_t next;  // free slots form a queue
  };
  std::vector<Slot> slots_;
  uint32_t oldest_ = 0;
  uint32_t newest_ = 0;
  uint32_t free_ = 0;
};

}  // namespace httpsys
