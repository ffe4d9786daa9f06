// The driver with an application's other end, for tests: frames in and out, and nothing left behind. When one of these goes it checks that
// everything is closed and that the recording layer has nothing to say.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "check.h"
#include "common/frames.h"
#include "httpsys/driver.h"
#include "kernel.h"
#include "recorder.h"

// As the application knows a request.
struct Seen {
  uint32_t id = 0;
  uint32_t connection = 0;
  uint8_t flags = 0;
  uint16_t method = 0;
  std::string methodName, target;
  std::string entries;  // as they came
  std::string body;
  bool ended = false;
  int aborted = 0;  // the reason
  uint64_t credit = 0;
  std::string opaque;  // bytes behind a switch
  bool opaqueEnded = false;
};

class Application {
 public:
  explicit Application(httpsys::driver::Driver::Options options = {}, httpsys::driver::QueueSettings settings = {}, uint32_t credit = 100);
  ~Application();

  // False: the queue could not be had.
  bool isOpen() const { return driver != nullptr; }
  // Waits, five seconds at most, and fails the test when it does not come true.
  bool until(const char* what, const std::function<bool()>& holds);
  // The n-th request that came, waited for.
  Seen& request(size_t n = 0);
  void respond(uint32_t id, int status, const std::string& fields, const std::string& body, uint8_t flags = httpsys::frames::kResponseEnd,
               int policySeconds = -1);
  // With a fragment as its body.
  void respondWithFragment(uint32_t id, const std::string& fields, const std::string& name, int policySeconds = -1);
  // `seconds` as for respond.
  void addFragment(uint32_t token, const std::string& name, const std::string& data, int seconds);
  // With a file as its body; fields as they are.
  void respondWithFile(uint32_t id, const std::string& fields, const std::string& path, uint64_t offset, uint64_t length, int policySeconds = -1,
                       uint8_t flags = httpsys::frames::kResponseEnd, const std::string& body = "");
  void data(uint32_t id, const std::string& bytes, bool end = false);
  void end(uint32_t id, const std::string& trailers = "");
  void cancel(uint32_t id);
  void credit(uint32_t id, uint32_t count);
  void frame(uint8_t type, uint8_t flags, uint16_t aux, uint32_t id, const std::string& body = "");
  // A batch of its own for what the functions above have written.
  void flush();
  void raw(const std::string& bytes);
  bool event(uint32_t kind);
  // Takes in what has come.
  void poll();
  void close();
  // Waits for an answer that is complete, or whose request was cancelled.
  kernel::Answer answer(uint64_t request);
  // The rules that were broken until now; they do not fail the test any more.
  std::vector<std::string> violations() { return httpsys::recorder::takeViolations(); }

  std::unique_ptr<httpsys::driver::Driver> driver;
  httpsys::driver::DriverError error;
  std::vector<Seen> requests;
  std::vector<uint32_t> connections, closedConnections;
  // Results of addFragment by token, and codes of Win32; what became of responses by request.
  std::map<uint32_t, std::pair<int, uint32_t>> fragments;
  std::map<uint32_t, int> used;
  // Bodies of the last REQUEST_FACTS and CONNECTION.
  std::string facts, connectionFacts;
  uint8_t connectionFlags = 0;
  std::vector<httpsys::driver::QueueEvent> events;
  // Events beyond those that a test waits for are no failure.
  bool closed = false;

 private:
  void take(const uint8_t* frame, size_t length);
  Seen* find(uint32_t id);

  std::mutex mutex_;
  std::condition_variable woken_;
  bool wake_ = false;
  std::string out_;
};
