// The owner of one HTTP.SYS request queue: its session, groups and handle, its I/O thread, and all that lives on it.
//
// Made in this order (LIFE-1): library and session, queue, completion port and thread; a group for each URL as it is added. Taken apart in this
// one (SHUT-7, and what Wine needs): the URLs are removed, what is there is answered, receives are cancelled and their packets waited for, the
// queue is closed, then the groups, then the session and the library.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/byte_buffer.h"
#include "common/frames.h"
#include "common/http_parser.h"
#include "common/response_frame.h"
#include "common/slots.h"
#include "httpsys/connection.h"
#include "httpsys/driver.h"
#include "httpsys/mailboxes.h"
#include "httpsys/queue_loop.h"
#include "httpsys/security_facts.h"
#include "httpsys/server_session.h"

namespace httpsys {
namespace driver {

class Exchange;
class CertificateOperation;
class ReceiveOperation;
struct RequestFacts;

struct AtomicCounters {
  std::atomic<uint64_t> requests{0}, inFlight{0}, connections{0}, bytesIn{0}, bytesOut{0}, informationalDropped{0}, rejected{0};
};

class RequestQueue final : public LoopOwner {
 public:
  explicit RequestQueue(Driver::Options options);
  ~RequestQueue();

  // JavaScript thread.
  bool open(DriverError* error);
  bool addUrl(const std::u16string& url, uint32_t context, DriverError* error);
  void removeUrls();
  bool apply(const QueueSettings& settings, DriverError* error);
  std::vector<const char*> unsupported() { return std::exchange(unsupported_, {}); }
  void order(Order order);
  size_t inboxBytes() const { return inbox_.bytes(); }
  Outbox& outbox() { return outbox_; }
  QueueCounters counters() const;
  void abandon() { loop_.abandon(); }
  // Calls that the system would not give back: their memory must stay.
  bool leaks() const { return leaks_; }

  // I/O thread, for the objects of the queue.
  HANDLE handle() const { return handle_; }
  QueueLoop& loop() { return loop_; }
  ConnectionTable& connections() { return connections_; }
  ByteBuffer* out() { return &out_; }
  AtomicCounters& count() { return counters_; }
  bool tooLarge(uint64_t bodyBytes) const { return maxBody_ > 0 && bodyBytes > static_cast<uint64_t>(maxBody_); }
  bool buffersData() const { return bufferData_; }
  const std::vector<std::string_view>& challenges() const { return challenges_; }

  // `certificate`: what the client has shown when it was asked.
  void onRequest(const HTTP_REQUEST& request, const HTTP_SSL_CLIENT_CERT_INFO* certificate = nullptr);
  // True: the client is asked for its certificate first, and `certificateCame` goes on with the request.
  bool holdForCertificate(ReceiveOperation* operation);
  void certificateCame(CertificateOperation* operation, const HTTP_SSL_CLIENT_CERT_INFO* certificate);
  void refuse(HTTP_REQUEST_ID id, const ParseError& page);
  void received(ReceiveOperation* operation);
  void receiveCancelled(ReceiveOperation* operation, ULONG error);
  void receiveFailed(ReceiveOperation* operation, ULONG error);
  void regrow(ReceiveOperation* operation, HTTP_REQUEST_ID id, ULONG bytes, bool keepOld);
  // Looks at the exchange when the turn ends: it may have something to send, or be through.
  void touch(Exchange* exchange);
  // The application and the exchange have done with each other.
  void forget(Exchange* exchange, bool closes);
  void connectionBroken(uint32_t connectionId);
  void informationalDropped(uint16_t status);
  void sendRefused(ULONG error);

  void onWake() override;
  void onTurnEnd() override;
  DWORD waitMs() override;
  bool finished() override;
  void onStopped() override;

 private:
  enum class Phase { kOpen, kDraining, kCancelling };

  void work(Order* order);
  void take(const QueueSettings& settings);
  void startChannel(uint32_t credit);
  // `code`: the Win32 code of receives that fail; 0 for a malformed frame.
  void failChannel(std::string why, uint32_t code = 0);
  void dropEverything();
  void pumpReceives();
  Exchange* take(HTTP_REQUEST_ID id, const RequestFacts& facts);
  void giveBack(Exchange* exchange);
  void beginClose();
  // queue_properties.cc
  bool applyToQueue(const QueueSettings& settings, DriverError* error);
  bool applyToGroup(UrlGroup* group, const QueueSettings& settings, DriverError* error);
  bool tolerate(bool done, const char* name, const DriverError& error);
  bool setOnQueue(HTTP_SERVER_PROPERTY property, void* value, ULONG bytes, DriverError* error);

  // cache_flush.cc
  void addFragment(uint32_t token, const FragmentParts& parts);
  void flushCache(uint32_t token, std::u16string url, bool recursive);

  // application_frames.cc
  bool handleBatch(const std::shared_ptr<Batch>& batch);
  bool handleFrame(const frames::Header& header, const uint8_t* body, size_t length, const std::shared_ptr<Batch>& batch);
  bool handleRequestFrame(const frames::Header& header, const uint8_t* body, size_t length, const std::shared_ptr<Batch>& batch);
  void closeConnections(uint8_t flags, uint32_t connectionId);
  bool malformed(std::string why);

  Driver::Options options_;
  ServerSession session_;
  std::vector<std::unique_ptr<UrlGroup>> groups_;
  HANDLE handle_ = nullptr;
  QueueLoop loop_;
  Inbox inbox_;
  Outbox outbox_;
  AtomicCounters counters_;
  std::atomic<uint64_t> urlsRemovedAt_{0};
  // JavaScript thread.
  QueueSettings settings_;
  std::vector<const char*> unsupported_;

  // I/O thread.
  ByteBuffer out_;
  std::vector<Order> orders_;
  std::vector<Exchange*> touched_, looking_;
  ConnectionTable connections_;
  SlotTable<Exchange> exchanges_;
  std::vector<std::unique_ptr<Exchange>> all_;
  std::vector<Exchange*> spare_;
  std::vector<std::unique_ptr<ReceiveOperation>> receives_;
  std::vector<ReceiveOperation*> resting_;
  uint32_t pendingMax_ = 0;
  uint32_t receiveFailures_ = 0;
  bool channelOpen_ = false;
  bool accepting_ = false;
  uint32_t credit_ = 0;
  std::string malformed_;
  int64_t maxBody_ = 0;
  bool bufferData_ = false;
  bool asksCertificates_ = false;
  std::vector<std::unique_ptr<CertificateOperation>> asked_;
  std::vector<std::string_view> challenges_;
  bool allowAnonymous_ = true;
  UserNames userNames_;
  bool toldInformational_ = false;
  bool toldRefused_ = false;
  Phase phase_ = Phase::kOpen;
  uint64_t phaseEndsAt_ = 0;
  std::atomic<bool> leaks_{false};
};

}  // namespace driver
}  // namespace httpsys
