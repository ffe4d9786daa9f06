// One request and its response on a connection, from its head to the last byte of both. A connection has at most one (RECV-7).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/byte_buffer.h"
#include "common/frames.h"
#include "common/http_parser.h"
#include "portable/counters.h"

namespace httpsys {

class Channel;
class Connection;
class QueueShard;

enum class ExchangeStage : uint8_t {
  kNew,        // nobody else knows of it
  kCacheWait,  // another request of the same key is with the application; its answer may do for this one
  kQueued,     // waits for a channel with credit
  kDelivered,  // an application has it
  kReading,    // the response is complete; the application still reads the request body
  kAnswered,   // the response is complete; the rest of the request body is drained
};

// How the end of the response body is told to the client.
enum class BodyFraming : uint8_t { kNone, kLength, kChunked, kUntilClose };

struct Exchange {
  Connection* connection = nullptr;
  QueueShard* shard = nullptr;
  Channel* channel = nullptr;
  UrlCounters* url = nullptr;
  // Neighbours in the queue's waiting list or in the channel's list of delivered requests.
  Exchange* previous = nullptr;
  Exchange* next = nullptr;
  uint32_t id = 0;
  uint32_t urlContext = 0;
  ExchangeStage stage = ExchangeStage::kNew;

  // Request.
  bool http10 = false;
  bool headMethod = false;
  bool keepAlive = true;
  bool expectContinue = false;
  bool continued = false;  // the application sent 100
  bool chunked = false;
  bool bodyDone = true;
  uint64_t bodyRemaining = 0;  // with Content-Length
  uint64_t bodyReceived = 0;
  uint64_t startedMs = 0;      // of one with a body: when its head was complete
  uint64_t drained = 0;        // read and thrown away after the response
  int64_t bodyCredit = 0;      // body and opaque bytes that may still go to the application
  ChunkedDecoder decoder;

  // Response.
  bool headSent = false;
  bool inOneFrame = true;  // no CREDIT is owed
  BodyFraming framing = BodyFraming::kNone;
  bool bodyless = false;
  bool closes = false;     // the connection ends behind this response
  uint64_t lengthRemaining = 0;
  uint32_t window = frames::kResponseWindowBytes;
  uint64_t bodyAccepted = 0;
  uint64_t bodyCredited = 0;

  // Upgrade and CONNECT (docs/frames.md).
  bool upgradable = false;
  bool taken = false;        // the client's further bytes are the application's
  bool opaque = false;       // the application's bytes are the client's
  bool inputEnded = false;   // the application was told of the client's FIN
  bool outputEnded = false;  // the application has sent its last byte
  bool finSent = false;
  uint32_t shown = 0;        // bytes behind the head that went along with REQUEST

  // Cache: the key of a request that may produce an entry or waits for one, and what it takes to answer it from an entry.
  bool renewing = false;
  bool mayStore = false;
  uint64_t flushMark = 0;
  std::string key;
  ByteBuffer frame;  // the REQUEST frame while the request waits
  std::string range, ifRange, ifNoneMatch, ifModifiedSince;

  void reset() {
    connection = nullptr;
    shard = nullptr;
    channel = nullptr;
    url = nullptr;
    previous = next = nullptr;
    id = urlContext = 0;
    stage = ExchangeStage::kNew;
    http10 = headMethod = expectContinue = continued = chunked = headSent = bodyless = closes = renewing = mayStore = false;
    upgradable = taken = opaque = inputEnded = outputEnded = finSent = false;
    shown = 0;
    keepAlive = bodyDone = inOneFrame = true;
    bodyRemaining = bodyReceived = startedMs = drained = lengthRemaining = bodyAccepted = bodyCredited = flushMark = 0;
    bodyCredit = 0;
    window = frames::kResponseWindowBytes;
    framing = BodyFraming::kNone;
    key.clear();
    if (frame.capacity() > 0) frame.release();
    range.clear();
    ifRange.clear();
    ifNoneMatch.clear();
    ifModifiedSince.clear();
  }
};

// A doubly linked list through Exchange::previous/next.
class ExchangeList {
 public:
  bool empty() const { return first_ == nullptr; }
  Exchange* first() const { return first_; }
  void append(Exchange* e) {
    e->previous = last_;
    e->next = nullptr;
    (last_ != nullptr ? last_->next : first_) = e;
    last_ = e;
  }
  void remove(Exchange* e) {
    (e->previous != nullptr ? e->previous->next : first_) = e->next;
    (e->next != nullptr ? e->next->previous : last_) = e->previous;
    e->previous = e->next = nullptr;
  }

 private:
  Exchange* first_ = nullptr;
  Exchange* last_ = nullptr;
};

}  // namespace httpsys
