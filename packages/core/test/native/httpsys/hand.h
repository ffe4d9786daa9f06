// A request queue driven by hand, for tests of the recording layer itself: calls that no driver of ours makes. No thread takes its packets.
#pragma once

#include <cstring>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "check.h"
#include "httpsys/http_functions.h"
#include "kernel.h"
#include "recorder.h"

class Hand {
 public:
  // Everything is open, the group bound and without URLs; calls end at once.
  Hand();
  // Closes what is open.
  ~Hand();
  Hand(const Hand&) = delete;
  Hand& operator=(const Hand&) = delete;

  static const httpsys::HttpFunctions& api() { return httpsys::functions(); }
  static constexpr HTTPAPI_VERSION kVersion = HTTPAPI_VERSION_2;

  // Cleared, and there until everything is closed.
  OVERLAPPED* overlapped() { return &overlapped_.emplace_back(); }
  // Delivers a request and receives it.
  HTTP_REQUEST_ID request(kernel::RequestSpec spec = {});
  ULONG receive(HTTP_REQUEST_ID id, ULONG bytes = sizeof(char[4096]), ULONG flags = httpsys::api::kReceiveCopyBody);
  ULONG read(HTTP_REQUEST_ID id, ULONG bytes = 100, ULONG flags = 0);
  // Sends `response` as it is.
  ULONG send(HTTP_REQUEST_ID id, ULONG flags = 0, HTTP_CACHE_POLICY* policy = nullptr);
  // Sends `chunks` as a further piece.
  ULONG sendBody(HTTP_REQUEST_ID id, ULONG flags = 0);
  // The next head of 200, without chunks.
  void begin(USHORT status = 200);
  void known(HTTP_HEADER_ID id, const char* value);
  void unknown(const char* name, const char* value);
  // A piece of body for `send` or `sendBody`.
  void body(const char* text);
  void trailers(const char* name, const char* value);
  ULONG addUrl(const wchar_t* url) { return api().AddUrlToUrlGroup(group, url, 1, 0); }
  // Takes the packets that are there.
  void takePackets();

  HTTP_SERVER_SESSION_ID session = 0;
  HTTP_URL_GROUP_ID group = 0;
  HANDLE queue = nullptr;
  HANDLE port = nullptr;
  HTTP_RESPONSE response{};
  std::vector<HTTP_DATA_CHUNK> chunks;

 private:
  std::deque<OVERLAPPED> overlapped_;
  HTTP_UNKNOWN_HEADER field_{};
  HTTP_UNKNOWN_HEADER trailer_{};
  alignas(8) char buffer_[4096];
};

// Whether the layer has something to say that begins so: "SEND-5: the last chunk", or "SEND-5" for the rule. Forgets all it had to say.
// HttpAddFragmentToCache with a life of `seconds`.
void addFragment(Hand& hand, const wchar_t* name, const char* bytes, ULONG seconds);
bool noticed(const std::string& what);

// Runs a call that breaks a rule, on a queue of its own; fails the test when that is not noticed, or was noticed before.
struct Breach {
  const char* notice;
  std::function<void(Hand&)> call;
};
void expectNotices(const std::vector<Breach>& breaches);
