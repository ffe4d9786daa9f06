#include "application.h"

#include <chrono>
#include <cstring>

using namespace httpsys;

namespace {

constexpr auto kPatience = std::chrono::seconds(5);

}  // namespace

Application::Application(driver::Driver::Options options, driver::QueueSettings settings, uint32_t credit) {
  (void)recorder::takeViolations();
  options.wake = [this] {
    const std::lock_guard<std::mutex> lock(mutex_);
    wake_ = true;
    woken_.notify_all();
  };
  if (options.pendingReceives == 0) options.pendingReceives = 4;
  driver = driver::Driver::create(std::move(options), &error);
  if (driver == nullptr) return;
  if (!driver->apply(settings, &error) || !driver->addUrl(u"http://+:8080/", 7, &error)) {
    close();
    driver.reset();
    return;
  }
  driver->start(credit);
}

Application::~Application() {
  close();
  driver.reset();
  recorder::checkEnd();
  for (const std::string& one : recorder::takeViolations()) check::failed("recording layer", 0, one);
  CHECK_EQ(kernel::instance().open(), 0);
  kernel::instance().reset();
}

void Application::close() {
  if (driver == nullptr || closed) return;
  driver->close();
  until("the queue closes", [this] { return event(driver::QueueEvent::kClosed); });
  closed = true;
}

bool Application::until(const char* what, const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    poll();
    if (holds()) return true;
    if (std::chrono::steady_clock::now() >= deadline) {
      check::failed("application.cc", 0, std::string("waited in vain until ") + what + "; under way: " + kernel::instance().underWay());
      return false;
    }
    std::unique_lock<std::mutex> lock(mutex_);
    woken_.wait_for(lock, std::chrono::milliseconds(1), [this] { return wake_; });
    wake_ = false;
  }
}

void Application::poll() {
  if (driver == nullptr) return;
  ByteBuffer frames;
  std::vector<driver::QueueEvent> fresh;
  driver->collect(&frames, &fresh);
  const uint8_t* at = reinterpret_cast<const uint8_t*>(frames.data());
  for (size_t left = frames.size(); left > 0;) {
    const frames::Header header = frames::loadHeader(at);
    CHECK(header.length >= frames::kHeaderBytes && header.length <= left);
    if (header.length < frames::kHeaderBytes || header.length > left) break;
    take(at, header.length);
    at += header.length;
    left -= header.length;
  }
  for (driver::QueueEvent& one : fresh) events.push_back(std::move(one));
}

Seen* Application::find(uint32_t id) {
  for (Seen& one : requests) {
    if (one.id == id) return &one;
  }
  return nullptr;
}

void Application::take(const uint8_t* frame, size_t length) {
  const frames::Header header = frames::loadHeader(frame);
  const uint8_t* body = frame + frames::kHeaderBytes;
  const std::string bytes(reinterpret_cast<const char*>(body), length - frames::kHeaderBytes);
  Seen* known = find(header.id);
  switch (header.type) {
    case frames::kConnection:
      connections.push_back(header.id);
      connectionFacts = bytes;
      connectionFlags = header.flags;
      return;
    case frames::kRequestFacts:
      facts = bytes;
      return;
    case frames::kConnectionClosed:
      closedConnections.push_back(header.id);
      return;
    case frames::kRequest: {
      Seen seen;
      seen.id = header.id;
      seen.flags = header.flags;
      seen.method = header.aux;
      seen.connection = frames::load32(body);
      const size_t target = frames::load32(body + 8), entries = frames::load32(body + 12), method = frames::load16(body + 18);
      seen.methodName = bytes.substr(20, method);
      seen.target = bytes.substr(20 + method, target);
      seen.entries = bytes.substr(20 + method + target, entries);
      seen.body = bytes.substr(20 + method + target + entries);
      seen.ended = (header.flags & frames::kRequestEnd) != 0;
      requests.push_back(std::move(seen));
      return;
    }
    case frames::kBody:
      CHECK(known != nullptr);
      if (known == nullptr) return;
      known->body += bytes;
      known->ended = (header.flags & frames::kBodyIsLast) != 0;
      return;
    case frames::kOpaque:
      CHECK(known != nullptr);
      if (known == nullptr) return;
      known->opaque += bytes;
      known->opaqueEnded = (header.flags & frames::kOpaqueIsLast) != 0;
      return;
    case frames::kAborted:
      CHECK(known != nullptr);
      if (known != nullptr) known->aborted = header.aux;
      return;
    case frames::kFragmentAdded:
      fragments[header.id] = {header.aux, bytes.size() < 4 ? 0 : frames::load32(body)};
      return;
    case frames::kFragmentUsed:
      used[header.id] = header.aux;
      return;
    case frames::kCredit:
      if (known != nullptr) known->credit += frames::load32(body);
      return;
    default:
      return;
  }
}

Seen& Application::request(size_t n) {
  static Seen none;
  return until("a request comes", [&] { return requests.size() > n; }) ? requests[n] : none;
}

void Application::frame(uint8_t type, uint8_t flags, uint16_t aux, uint32_t id, const std::string& body) {
  uint8_t header[frames::kHeaderBytes];
  frames::storeHeader(header, static_cast<uint32_t>(sizeof header + body.size()), type, flags, aux, id);
  out_.append(reinterpret_cast<const char*>(header), sizeof header);
  out_ += body;
}

void Application::flush() {
  raw(out_);
  out_.clear();
}

void Application::raw(const std::string& bytes) { CHECK(driver->submit(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size())); }

namespace {

std::string policyBlock(int seconds) {
  if (seconds < 0) return std::string();
  uint8_t block[8] = {seconds == 0 ? uint8_t{frames::kPolicyUntilFlushed} : uint8_t{frames::kPolicyTimeToLive}, 0, 0, 0};
  frames::store32(block + 4, static_cast<uint32_t>(seconds));
  return std::string(reinterpret_cast<const char*>(block), sizeof block);
}

std::string responseBody(const std::string& policy, const std::string& fields, const std::string& body) {
  uint8_t parts[8];
  frames::store16(parts, 0);
  frames::store16(parts + 2, static_cast<uint16_t>(policy.size()));
  frames::store32(parts + 4, static_cast<uint32_t>(fields.size()));
  return std::string(reinterpret_cast<const char*>(parts), sizeof parts) + policy + fields + body;
}

}  // namespace

void Application::respond(uint32_t id, int status, const std::string& fields, const std::string& body, uint8_t flags, int policySeconds) {
  if (policySeconds >= 0) flags |= frames::kResponsePolicy;
  frame(frames::kResponse, flags, static_cast<uint16_t>(status), id, responseBody(policyBlock(policySeconds), fields, body));
  flush();
}

void Application::respondWithFragment(uint32_t id, const std::string& fields, const std::string& name, int policySeconds) {
  std::string policy = policySeconds < 0 ? std::string(8, '\0') : policyBlock(policySeconds);
  uint8_t block[4];
  frames::store16(block, frames::kBlockFragment);
  frames::store16(block + 2, static_cast<uint16_t>(name.size()));
  policy.append(reinterpret_cast<const char*>(block), sizeof block);
  const uint8_t flags = frames::kResponseEnd | (policySeconds < 0 ? 0 : frames::kResponsePolicy);
  frame(frames::kResponse, flags, 200, id, responseBody(policy + name, fields, ""));
  flush();
}

void Application::addFragment(uint32_t token, const std::string& name, const std::string& data, int seconds) {
  std::string policy = policyBlock(seconds);
  frames::store16(reinterpret_cast<uint8_t*>(policy.data()) + 2, static_cast<uint16_t>(name.size()));
  frame(frames::kAddFragment, 0, 0, token, policy + name + data);
  flush();
}

void Application::respondWithFile(uint32_t id, const std::string& fields, const std::string& path, uint64_t offset, uint64_t length, int policySeconds,
                                  uint8_t flags, const std::string& body) {
  std::string policy = policySeconds < 0 ? std::string(8, '\0') : policyBlock(policySeconds);
  if (policySeconds >= 0) flags |= frames::kResponsePolicy;
  uint8_t block[20];
  frames::store16(block, frames::kBlockFile);
  frames::store16(block + 2, static_cast<uint16_t>(16 + path.size()));
  frames::store32(block + 4, static_cast<uint32_t>(offset));
  frames::store32(block + 8, static_cast<uint32_t>(offset >> 32));
  frames::store32(block + 12, static_cast<uint32_t>(length));
  frames::store32(block + 16, static_cast<uint32_t>(length >> 32));
  policy.append(reinterpret_cast<const char*>(block), sizeof block);
  frame(frames::kResponse, flags, 200, id, responseBody(policy + path, fields, body));
  flush();
}

void Application::data(uint32_t id, const std::string& bytes, bool end) {
  frame(frames::kData, end ? uint8_t{frames::kDataEnd} : uint8_t{0}, 0, id, bytes);
  flush();
}

void Application::end(uint32_t id, const std::string& trailers) {
  frame(frames::kEnd, 0, 0, id, trailers);
  flush();
}

void Application::cancel(uint32_t id) {
  frame(frames::kCancel, 0, 0, id);
  flush();
}

void Application::credit(uint32_t id, uint32_t count) {
  uint8_t body[4];
  frames::store32(body, count);
  frame(frames::kCredit, 0, 0, id, std::string(reinterpret_cast<const char*>(body), sizeof body));
  flush();
}

bool Application::event(uint32_t kind) {
  for (const driver::QueueEvent& one : events) {
    if (one.kind == kind) return true;
  }
  return false;
}

kernel::Answer Application::answer(uint64_t request) {
  until("an answer is complete", [&] {
    const kernel::Answer now = kernel::instance().answer(request);
    return now.complete || now.cancelled;
  });
  return kernel::instance().answer(request);
}
