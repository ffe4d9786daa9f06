// A test framework of one page: TEST("a sentence") { CHECK(...); CHECK_EQ(actual, expected); }. Every *.test.cc is linked into one program.
#pragma once

#include <sstream>
#include <string>
#include <type_traits>

namespace check {

using TestFunction = void (*)();

// Called by TEST before main; test_main.cc runs what was added.
int addTest(const char* file, const char* name, TestFunction function);

// Notes a failed check of the running test and lets the test go on.
void failed(const char* file, int line, const std::string& what);

template <typename T>
std::string show(const T& value) {
  std::ostringstream out;
  if constexpr (std::is_enum_v<T>) {
    out << static_cast<long long>(value);
  } else {
    out << std::boolalpha << value;
  }
  return out.str();
}

template <typename A, typename B>
void equal(const char* file, int line, const char* text, const A& actual, const B& expected) {
  if (!(actual == expected)) failed(file, line, std::string(text) + ": got <" + show(actual) + ">, expected <" + show(expected) + ">");
}

}  // namespace check

#define CHECK_JOIN2(a, b) a##b
#define CHECK_JOIN(a, b) CHECK_JOIN2(a, b)

#define TEST(name)                                                                                                            \
  static void CHECK_JOIN(testAtLine, __LINE__)();                                                                             \
  [[maybe_unused]] static const int CHECK_JOIN(addedAtLine, __LINE__) = check::addTest(__FILE__, name, CHECK_JOIN(testAtLine, __LINE__)); \
  static void CHECK_JOIN(testAtLine, __LINE__)()

#define CHECK(condition)                                             \
  do {                                                               \
    if (!(condition)) check::failed(__FILE__, __LINE__, #condition); \
  } while (false)

#define CHECK_EQ(actual, expected) check::equal(__FILE__, __LINE__, #actual, actual, expected)
