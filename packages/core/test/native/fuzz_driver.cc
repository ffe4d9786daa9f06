// Runs a fuzz target without libFuzzer: every file of the corpus, then a given number of mutations of them from a seed. The same arguments
// give the same inputs on every machine.
//   <program> <corpus folder> <iterations> <seed> [<file of a single input>]
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace {

constexpr size_t kInputBytesMax = 4096;
constexpr unsigned kMutationsMax = 6;

const std::string* runningInput = nullptr;

void showInput() {
  if (runningInput == nullptr) return;
  std::fprintf(stderr, "the input was (%zu bytes): ", runningInput->size());
  for (const char c : *runningInput) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && byte != '\\') std::fputc(byte, stderr);
    else std::fprintf(stderr, "\\x%02x", byte);
  }
  std::fputc('\n', stderr);
  runningInput = nullptr;
}

void onAbort(int) {
  showInput();
  std::_Exit(134);
}

void run(const std::string& input) {
  runningInput = &input;
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
  runningInput = nullptr;
}

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 2 + 1) {}
  uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ >> 11;
  }
  size_t below(size_t bound) { return bound == 0 ? 0 : static_cast<size_t>(next() % bound); }

 private:
  uint64_t state_;
};

// What protocols break on more often than on random bytes.
const std::vector<std::string> kFragments = {
    "\r\n", "\r", "\n", "\r\n\r\n", " ", "\t", ":", ",", ";", "=", "/", "?", "%", "%2e", "%00", "\\", "*", "@", "#", "[", "]", "\"", "0", "1", "f", "ffffffffffffffff",
    "18446744073709551616", "-1", "+1", "0x", std::string(1, '\0'), "\x7f", "\x80", "\xff", "\xc3\xa4", "HTTP/1.0", "HTTP/2.0", "http://h", "https://h:1?",
    "Host: a\r\n", "Content-Length: 1\r\n", "Transfer-Encoding: chunked\r\n", "Connection: close\r\n", "Expect: 100-continue\r\n", "chunked", "gzip", "..", "//",
    "bytes=0-1", "W/\"a\"", "GMT", "Sun, 06 Nov 1994 08:49:37 GMT", std::string(70, 'a'), std::string(300, '1'),
};

std::string mutate(const std::vector<std::string>& corpus, Random* random) {
  std::string input = corpus.empty() ? std::string() : corpus[random->below(corpus.size())];
  for (size_t left = 1 + random->below(kMutationsMax); left > 0; --left) {
    const size_t at = random->below(input.size() + 1);
    switch (random->below(7)) {
      case 0:
        if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << random->below(8)));
        break;
      case 1:
        if (at < input.size()) input[at] = static_cast<char>(random->below(256));
        break;
      case 2:
        input.erase(at, 1 + random->below(8));
        break;
      case 3:
        input.insert(at, kFragments[random->below(kFragments.size())]);
        break;
      case 4:
        input.insert(at, input.substr(random->below(input.size() + 1), 1 + random->below(32)));
        break;
      case 5:
        input.resize(at);
        break;
      default:
        if (!corpus.empty()) {
          const std::string& other = corpus[random->below(corpus.size())];
          input = input.substr(0, at) + other.substr(random->below(other.size() + 1));
        }
    }
  }
  if (input.size() > kInputBytesMax) input.resize(kInputBytesMax);
  return input;
}

std::string readFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: %s <corpus folder> <iterations> <seed> [<input file>]\n", argv[0]);
    return 2;
  }
  std::signal(SIGABRT, onAbort);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_set_death_callback(showInput);
#endif
  if (argc > 4) {
    run(readFile(argv[4]));
    return 0;
  }
  std::vector<std::filesystem::path> files;
  if (std::filesystem::is_directory(argv[1])) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[1])) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> corpus;
  for (const auto& file : files) corpus.push_back(readFile(file));
  run(std::string());
  for (const std::string& input : corpus) run(input);
  const unsigned long iterations = std::strtoul(argv[2], nullptr, 10);
  Random random(std::strtoull(argv[3], nullptr, 10));
  for (unsigned long n = 0; n < iterations; ++n) run(mutate(corpus, &random));
  std::printf("%zu seeds, %lu mutations\n", corpus.size(), iterations);
  return 0;
}
