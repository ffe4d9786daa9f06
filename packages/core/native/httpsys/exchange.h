// One request and its response, from the moment the driver hands it over until it has taken the last byte of the answer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/byte_buffer.h"
#include "common/frames.h"
#include "common/http_parser.h"
#include "common/response_frame.h"
#include "httpsys/body_read_operation.h"
#include "httpsys/request_frames.h"
#include "httpsys/response_operation.h"

namespace httpsys {
namespace driver {

class Connection;
class RequestQueue;

// How the end of the response body is told to the client.
enum class Framing : uint8_t { kNone, kLength, kChunked, kUntilClose, kStream };

class Exchange {
 public:
  explicit Exchange(RequestQueue* queue) : read_(this), send_(this), queue_(queue) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  RequestQueue* queue() const { return queue_; }

  uint32_t id = 0;  // 0: the application does not know it, or not any more
  HTTP_REQUEST_ID requestId = HTTP_NULL_ID;
  Connection* connection = nullptr;
  uint32_t connectionId = 0;
  // Its place among the queue's exchanges.
  size_t index = 0;
  // On the queue's list of those to be looked at when the turn ends.
  bool touched = false;

  void begin(HTTP_REQUEST_ID request, const RequestFacts& facts);
  // Whether nothing of it is under way any more.
  bool done() const { return id == 0 && ended_ && !send_.inFlight() && !read_.inFlight(); }
  bool knows() const { return id != 0; }

  // Frames of the application. False: the frame breaks the window and ends the channel.
  bool onResponse(const frames::Header& header, const uint8_t* body, size_t length, const std::shared_ptr<Batch>& batch);
  bool onData(bool end, std::string_view bytes);
  void onEnd(bool keepBody, std::string_view trailers);
  void onInformational(uint16_t status);
  // Bytes of a connection that leaves HTTP (UP-1 to UP-7).
  bool onOpaque(uint8_t flags, std::string_view bytes);
  bool isOpaque() const { return taken_; }
  void onBodyCredit(uint32_t count);
  // The client's connection is reset, as far as the system can.
  void cancel();

  // An answer of the driver's own: the request is refused, or the application is gone.
  void refuse(const ParseError& page);
  // The application cannot answer any more.
  void abandon();
  // The connection has ended.
  void clientGone();

  // What was gathered leaves, unless a send is under way.
  void flush();
  void sendEnded(ULONG error);
  void bodyRead(ULONG error, ULONG bytes);
  void readMore();

 private:
  // The application hears no more of it, and it none of the application.
  void finish();
  void abort(uint16_t reason);
  void abortResponse();
  void responseFailed(ULONG error);
  void writeBody(std::string_view bytes);
  bool onSwitch(const frames::Header& header, const uint8_t* body, size_t length, const std::shared_ptr<Batch>& batch);
  void opaqueRead(ULONG error, ULONG bytes);
  void endResponse();
  void resetConnection();
  void sendPage(const ParseError& page);
  bool setHead(const ResponseParts& parts, const frames::Header& header, bool dropContentLength);
  void addTail(bool whole);
  void markDirty();
  void reportDrained();
  bool sendFragment(std::string_view name);
  void fragmentSent(bool missing);
  ULONG flagsOf(bool last) const;

  BodyReadOperation read_;
  ResponseOperation send_;
  RequestQueue* queue_;

  // Request.
  RequestFacts facts_;
  bool bodyDone_ = true;
  int64_t bodyRemaining_ = -1;
  uint64_t bodyReceived_ = 0;
  int64_t bodyCredit_ = 0;

  // A connection of bytes: the application has asked for it, the driver has switched, the client has ended its side.
  bool taken_ = false;
  bool switched_ = false;
  bool clientEnded_ = false;

  // Response.
  bool headSet_ = false;    // taken apart, may still wait for its first piece
  bool headSent_ = false;
  bool headAccepted_ = false;
  bool isPage_ = false;     // it is the driver's own answer
  bool asksFragment_ = false;  // the body is a fragment, and whether the driver has it is not known yet
  bool complete_ = false;   // the application has given all of it
  bool ended_ = false;      // the last send was begun, or the request was cancelled
  bool oneFrame_ = true;    // no CREDIT is owed
  bool bodyless_ = false;
  bool closes_ = false;     // the connection ends behind this response
  bool keepsBody_ = false;  // the response is complete, the request's body is still being read
  bool tailSent_ = false;
  bool cutOff_ = false;     // nothing more of it is sent
  Framing framing_ = Framing::kNone;
  uint64_t lengthRemaining_ = 0;
  uint64_t bodyAccepted_ = 0;
  uint64_t bodyCredited_ = 0;
  ByteBuffer pending_;
  std::string trailers_;
  std::string tail_;  // what follows the body: the last chunk with its trailers; or the page of a refusal
};

}  // namespace driver
}  // namespace httpsys
