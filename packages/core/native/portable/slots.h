// Ids of requests and connections: a slot with a generation, so that a finished id is never mistaken for the one after it (docs/frames.md).
#pragma once

#include <cstdint>
#include <vector>

#include "portable/limits.h"

namespace httpsys {

template <typename T>
class SlotTable {
 public:
  // 0 when every slot is taken. Ids are never 0, which means "none" in a frame.
  uint32_t add(T* item) {
    uint32_t slot;
    if (!free_.empty()) {
      slot = free_.back();
      free_.pop_back();
    } else {
      if (slots_.size() >= limits::kSlotMax) return 0;
      slot = static_cast<uint32_t>(slots_.size());
      slots_.push_back(Slot{nullptr, 1});
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
    Slot& slot = slots_[id & (limits::kSlotMax - 1)];
    slot.item = nullptr;
    slot.generation = slot.generation == limits::kGenerationMax ? 1 : slot.generation + 1;
    free_.push_back(id & (limits::kSlotMax - 1));
  }

 private:
  struct Slot {
    T* item;
    uint32_t generation;
  };
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
};

}  // namespace httpsys
