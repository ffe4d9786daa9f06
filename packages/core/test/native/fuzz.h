// For *.fuzz.cc: each has one LLVMFuzzerTestOneInput and becomes a program of its own, with fuzz_driver.cc (any compiler) or libFuzzer
// (clang++ -fsanitize=fuzzer). Its seeds are the files of corpus/<name before .fuzz.cc>/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

// A property that must hold for every input.
#define FUZZ_CHECK(condition)                                                         \
  do {                                                                                \
    if (!(condition)) {                                                               \
      std::fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                   \
    }                                                                                 \
  } while (false)

// A copy in a block of exactly its size, so that AddressSanitizer sees a read one byte too far.
class ExactCopy {
 public:
  ExactCopy(const char* data, size_t size) : bytes_(new char[size]), size_(size) {
    if (size != 0) std::memcpy(bytes_.get(), data, size);
  }
  const char* data() const { return bytes_.get(); }
  size_t size() const { return size_; }
  bool holds(std::string_view view) const {
    return view.empty() || (view.data() >= data() && view.data() + view.size() <= data() + size_);
  }

 private:
  std::unique_ptr<char[]> bytes_;
  size_t size_;
};
