// Runs all tests, or those whose name holds the first argument; fails when one fails or none ran.
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "check.h"

namespace check {

namespace {

struct Test {
  const char* file;
  const char* name;
  TestFunction function;
};

// A function's static: tests of other files are added before this file's own statics exist.
std::vector<Test>& tests() {
  static std::vector<Test> list;
  return list;
}

int failuresOfTest = 0;

}  // namespace

int addTest(const char* file, const char* name, TestFunction function) {
  const char* slash = std::strrchr(file, '/');
  tests().push_back(Test{slash == nullptr ? file : slash + 1, name, function});
  return 0;
}

void failed(const char* file, int line, const std::string& what) {
  const char* slash = std::strrchr(file, '/');
  ++failuresOfTest;
  std::printf("  %s:%d: %s\n", slash == nullptr ? file : slash + 1, line, what.c_str());
}

}  // namespace check

int main(int argc, char** argv) {
  int passed = 0, failed = 0;
  for (const check::Test& test : check::tests()) {
    if (argc > 1 && std::strstr(test.name, argv[1]) == nullptr) continue;
    check::failuresOfTest = 0;
    test.function();
    if (check::failuresOfTest == 0) {
      ++passed;
    } else {
      ++failed;
      std::printf("FAILED %s: %s\n", test.file, test.name);
    }
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  // A filter may name tests of another program.
  return failed == 0 && (passed > 0 || argc > 1) ? 0 : 1;
}
