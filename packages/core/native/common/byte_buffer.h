// A growing byte buffer that is filled at the end and emptied at the front, without zero-filling what it reserves.
#pragma once

#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

namespace httpsys {

class ByteBuffer {
 public:
  ByteBuffer() = default;
  ByteBuffer(const ByteBuffer&) = delete;
  ByteBuffer& operator=(const ByteBuffer&) = delete;
  ~ByteBuffer() { std::free(base_); }

  const char* data() const { return base_ + begin_; }
  char* data() { return base_ + begin_; }
  size_t size() const { return end_ - begin_; }
  bool empty() const { return end_ == begin_; }
  size_t capacity() const { return capacity_; }
  std::string_view view() const { return std::string_view(data(), size()); }

  // Room for `n` bytes at the end; `commit` says how many were written there.
  char* reserve(size_t n) {
    if (capacity_ - end_ < n) makeRoom(n);
    return base_ + end_;
  }
  void commit(size_t n) { end_ += n; }
  void append(const void* bytes, size_t n) {
    if (n == 0) return;
    std::memcpy(reserve(n), bytes, n);
    end_ += n;
  }
  void append(std::string_view text) { append(text.data(), text.size()); }
  void consume(size_t n) {
    begin_ += n;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  // Cuts the end back to `n` bytes.
  void truncate(size_t n) { end_ = begin_ + n; }
  void clear() { begin_ = end_ = 0; }
  void release() {
    std::free(base_);
    base_ = nullptr;
    begin_ = end_ = capacity_ = 0;
  }
  void swap(ByteBuffer& other) {
    std::swap(base_, other.base_);
    std::swap(begin_, other.begin_);
    std::swap(end_, other.end_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  void makeRoom(size_t n) {
    const size_t used = end_ - begin_;
    // Moving down is worth it only when it frees at least half, else a slow reader would cost quadratic time.
    if (begin_ >= used && capacity_ - used >= n) {
      if (used > 0) std::memmove(base_, base_ + begin_, used);
    } else {
      size_t wanted = capacity_ == 0 ? 4096 : capacity_ * 2;
      while (wanted < used + n) wanted *= 2;
      char* fresh = static_cast<char*>(std::malloc(wanted));
      if (fresh == nullptr) throw std::bad_alloc();
      if (used > 0) std::memcpy(fresh, base_ + begin_, used);
      std::free(base_);
      base_ = fresh;
      capacity_ = wanted;
    }
    begin_ = 0;
    end_ = used;
  }

  char* base_ = nullptr;
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t capacity_ = 0;
};

}  // namespace httpsys
