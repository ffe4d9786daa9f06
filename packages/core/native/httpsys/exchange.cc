#include "httpsys/exchange.h"

#include <algorithm>

#include "common/driver_pages.h"
#include "common/frame_writer.h"
#include "common/http_errors.h"
#include "common/limits.h"
#include "common/response_frame.h"
#include "httpsys/connection.h"
#include "httpsys/driver_limits.h"
#include "httpsys/gone.h"
#include "httpsys/http_functions.h"
#include "httpsys/request_queue.h"

namespace httpsys {
namespace driver {

namespace {

constexpr std::string_view kPageFields = "Content-Type: text/html; charset=us-ascii\r\n";

}  // namespace

void Exchange::begin(HTTP_REQUEST_ID request, const RequestFacts& facts) {
  id = connectionId = 0;
  requestId = request;
  connection = nullptr;
  touched = false;
  facts_ = facts;
  bodyDone_ = facts.bodyDone;
  bodyReceived_ = facts.copiedBytes;
  bodyRemaining_ = facts.contentLength < 0 ? -1 : facts.contentLength - static_cast<int64_t>(facts.copiedBytes);
  bodyCredit_ = static_cast<int64_t>(frames::kBodyWindowBytes) - static_cast<int64_t>(facts.copiedBytes);
  headSet_ = headSent_ = complete_ = ended_ = bodyless_ = closes_ = cutOff_ = headAccepted_ = isPage_ = keepsBody_ = tailSent_ = asksFragment_ = false;
  taken_ = switched_ = clientEnded_ = false;
  oneFrame_ = true;
  framing_ = Framing::kNone;
  lengthRemaining_ = bodyAccepted_ = bodyCredited_ = 0;
  pending_.clear();
  trailers_.clear();
  send_.reset();
}

// --- the request's body ---

void Exchange::onBodyCredit(uint32_t count) {
  bodyCredit_ = std::min(bodyCredit_ + static_cast<int64_t>(count), httpsys::limits::kBodyCreditMax);
  readMore();
}

void Exchange::readMore() {
  if (!knows() || (switched_ ? clientEnded_ : bodyDone_) || read_.inFlight() || bodyCredit_ <= 0) return;
  int64_t bytes = std::min<int64_t>(bodyCredit_, limits::kBodyReadBytesMax);
  if (bodyRemaining_ > 0 && !switched_) bytes = std::min(bytes, bodyRemaining_);
  read_.start(static_cast<uint32_t>(bytes));
}

void Exchange::bodyRead(ULONG error, ULONG bytes) {
  if (!knows()) {
    read_.release();
    queue_->touch(this);
    return;
  }
  if (switched_) {
    opaqueRead(error, bytes);
    return;
  }
  if (error != NO_ERROR && error != ERROR_HANDLE_EOF) {
    read_.release();
    clientGone();
    return;
  }
  // BODY-2: the end is a result of its own.
  const bool atEnd = error == ERROR_HANDLE_EOF || bytes == 0;
  if (atEnd) bytes = 0;
  bodyReceived_ += bytes;
  bodyCredit_ -= static_cast<int64_t>(bytes);
  queue_->count().bytesIn += bytes;
  if (bodyRemaining_ >= 0) bodyRemaining_ -= std::min(bodyRemaining_, static_cast<int64_t>(bytes));
  if (queue_->tooLarge(bodyReceived_)) {
    read_.release();
    abort(frames::kAbortMalformedBody);
    if (headSet_) {
      resetConnection();
    } else {
      sendPage(errors::kBodyTooLarge);
    }
    return;
  }
  bodyDone_ = atEnd || bodyRemaining_ == 0;
  const uint8_t flags = bodyDone_ ? uint8_t{frames::kBodyIsLast} : uint8_t{0};
  appendFrame(queue_->out(), frames::kBody, flags, 0, id, std::string_view(read_.data(), bytes));
  if (!bodyDone_) {
    readMore();
    return;
  }
  read_.release();
  if (keepsBody_) finish();
}

// --- the response ---

bool Exchange::onResponse(const frames::Header& header, const uint8_t* body, size_t length, const std::shared_ptr<Batch>& batch) {
  if ((header.flags & frames::kResponseOpaque) != 0) return onSwitch(header, body, length, batch);
  ResponseParts parts;
  splitResponse(body, length, &parts);
  const uint16_t status = header.aux;
  const bool whole = (header.flags & frames::kResponseEnd) != 0;
  ResponseHeadScan scan;
  scanResponseHead(parts.block, &scan);
  ResponseBlocks blocks;
  const bool wellFormed = scan.valid && validReason(parts.reason) && readResponseBlocks(parts.policy, &blocks);
  const FilePart& file = blocks.file;
  const bool hasFile = !file.path.empty();
  // A file or a fragment is the whole body.
  if (headSet_ || status < 100 || status > 999 || !wellFormed || (blocks.any() && (!whole || !parts.body.empty()))) {
    abortResponse();
    return true;
  }
  const uint64_t bodyBytes = hasFile ? file.length : parts.body.size();
  const bool hasPolicy = (header.flags & frames::kResponsePolicy) != 0;
  const bool filled = scan.contentLength >= 0 && static_cast<uint64_t>(scan.contentLength) == bodyBytes;
  const bool storable = hasPolicy && (whole || filled);
  if (parts.body.size() > frames::kResponseWindowBytes && !storable) return false;

  taken_ = false;
  oneFrame_ = whole;
  // An interim status as the last word: the client goes on waiting and would take the next answer on this connection for it.
  const bool says = scan.connectionClose && (header.flags & frames::kResponseStays) == 0;
  closes_ = !facts_.keepAlive || (header.flags & frames::kResponseClose) != 0 || says || status < 200;
  bodyless_ = facts_.head || isBodyless(status);
  if (bodyless_) {
    framing_ = Framing::kNone;
  } else if (scan.contentLength >= 0) {
    framing_ = Framing::kLength;
    lengthRemaining_ = static_cast<uint64_t>(scan.contentLength);
  } else if (whole) {
    // SEND-4: the driver adds Content-Length.
    framing_ = Framing::kLength;
    lengthRemaining_ = bodyBytes;
  } else if (facts_.http2) {
    framing_ = Framing::kStream;
  } else if (facts_.http10 || (header.flags & frames::kResponseUntilClose) != 0) {
    framing_ = Framing::kUntilClose;
    closes_ = true;
  } else {
    framing_ = Framing::kChunked;
  }

  // CACHE-2: in one call. CACHE-12: never a 304, which would be replayed to everyone, nor a 206.
  const int64_t seconds = storable && !bodyless_ && status != 206 ? policySeconds(parts.policy) : -1;
  // What is here as a whole leaves now, without MORE_DATA; the rest waits for what else this batch has for it.
  const bool atOnce = whole || storable || bodyless_;
  const size_t headBytes = length - parts.body.size();
  const std::string_view kept = send_.retain(std::string_view(reinterpret_cast<const char*>(body), atOnce ? length : headBytes), batch);
  const std::string_view given = parts.body;
  splitResponse(reinterpret_cast<const uint8_t*>(kept.data()), kept.size(), &parts);
  headSet_ = true;
  const bool sendsFile = hasFile && !bodyless_;
  if ((sendsFile && !send_.openFile(file.path)) || !setHead(parts, header, seconds >= 0 && (filled || blocks.any()))) {
    headSet_ = false;
    abortResponse();
    return true;
  }
  send_.setPolicy(seconds);
  if (!blocks.fragment.empty()) {
    if (!sendFragment(blocks.fragment)) abortResponse();
    return true;
  }
  if (!atOnce) {
    writeBody(given);
    markDirty();
    return true;
  }
  uint64_t sent = bodyless_ ? 0 : bodyBytes;
  bodyAccepted_ += bodyBytes;
  if (sent > lengthRemaining_) {
    sent = lengthRemaining_;
    closes_ = true;
  }
  lengthRemaining_ -= sent;
  const bool broken = whole && lengthRemaining_ > 0;
  // SEND-17: the driver reads it; what is no longer in the file fails the send.
  if (sendsFile) {
    send_.addFileChunk(file.offset, sent);
  } else {
    send_.addChunk(parts.body.substr(0, static_cast<size_t>(sent)));
  }
  queue_->count().bytesOut += sent;
  headSent_ = true;
  ended_ = !broken;
  complete_ = whole;
  send_.sendHead(flagsOf(!broken));
  if (!whole) return true;
  finish();
  // Less than Content-Length says: the client must not wait for the rest.
  if (broken) resetConnection();
  return true;
}

bool Exchange::setHead(const ResponseParts& parts, const frames::Header& header, bool dropContentLength) {
  const uint16_t status = header.aux;
  ResponseOperation::Head head;
  head.status = status;
  head.reason = parts.reason;
  head.block = parts.block;
  head.http2 = facts_.http2;
  head.dropContentLength = dropContentLength;
  head.chunked = framing_ == Framing::kChunked;
  // SEND-10: the field for the client, and DISCONNECT for the driver. SEND-7: an HTTP/1.0 client must be told that it may go on.
  if ((header.flags & frames::kResponseNoConnection) != 0) {
    head.connection = std::string_view();
  } else if (closes_) {
    head.connection = "close";
  } else if (facts_.http10) {
    head.connection = "keep-alive";
  }
  if (!send_.setHead(head)) return false;
  if (status == 401 && !queue_->challenges().empty()) send_.setChallenges(queue_->challenges());
  return true;
}

bool Exchange::onData(bool end, std::string_view bytes) {
  if (!headSet_ || switched_) {
    abortResponse();
    return true;
  }
  if (!bytes.empty() && bodyAccepted_ + bytes.size() > bodyCredited_ + frames::kResponseWindowBytes) return false;
  writeBody(bytes);
  if (end) {
    endResponse();
  } else {
    markDirty();
  }
  return true;
}

void Exchange::onEnd(bool keepBody, std::string_view trailers) {
  if (keepsBody_) {
    // The rest of the body is not wanted after all: the driver drains it (BODY-6).
    if (!keepBody) finish();
    return;
  }
  ResponseHeadScan scan;
  if (!trailers.empty()) scanResponseHead(trailers, &scan);
  // Framing fields in a trailer would be taken for the message's own by a careless reader (RFC 9110 section 6.5.1).
  if (!headSet_ || switched_ || (!trailers.empty() && (!scan.valid || scan.hasTransferEncoding || scan.contentLength >= 0))) {
    abortResponse();
    return;
  }
  trailers_.assign(trailers);
  keepsBody_ = keepBody && !bodyDone_;
  endResponse();
}

void Exchange::writeBody(std::string_view bytes) {
  bodyAccepted_ += bytes.size();
  if (framing_ == Framing::kNone || ended_) return;
  if (framing_ == Framing::kLength) {
    if (bytes.size() > lengthRemaining_) {
      bytes = bytes.substr(0, static_cast<size_t>(lengthRemaining_));
      closes_ = true;
    }
    lengthRemaining_ -= bytes.size();
  }
  pending_.append(bytes);
}

void Exchange::endResponse() {
  complete_ = true;
  const bool broken = framing_ == Framing::kLength && lengthRemaining_ > 0 && !ended_;
  markDirty();
  if (!keepsBody_ || broken) finish();
  if (broken) resetConnection();
}

// SEND-9: the API sends no interim responses; a 100 the driver has sent itself when the body was first read (BODY-5).
void Exchange::onInformational(uint16_t status) {
  if (status != 100) queue_->informationalDropped(status);
}

void Exchange::flush() {
  if (!headSet_ || ended_ || send_.inFlight()) {
    // Nobody waits any more for what the client may still send, or for its end; the driver drains the rest of a body itself (BODY-6).
    if (ended_ && !knows() && !send_.inFlight()) queue_->loop().cancel(&read_);
    reportDrained();
    return;
  }
  // A head that goes out without MORE_DATA gets a Content-Length from the driver (SEND-4), which must not meet our chunks.
  const bool whole = complete_ && (headSent_ || framing_ != Framing::kChunked);
  // BODY-3: a request is over with the last call of its response. While its body is still wanted that call is owed, and the client has all of
  // the response without it.
  const bool last = whole && !keepsBody_;
  const bool tail = whole && !tailSent_;
  if (headSent_ && pending_.empty() && !tail && !last) {
    reportDrained();
    return;
  }
  if (cutOff_) {
    pending_.clear();
  } else {
    send_.body.swap(pending_);
    queue_->count().bytesOut += send_.body.size();
    if (framing_ == Framing::kChunked) {
      send_.addFramedChunk(send_.body.view());
    } else {
      send_.addChunk(send_.body.view());
    }
    addTail(tail);
    tailSent_ = tailSent_ || tail;
  }
  ended_ = last;
  if (headSent_) {
    send_.sendBody(flagsOf(last));
  } else {
    headSent_ = true;
    send_.sendHead(flagsOf(last));
  }
}

void Exchange::addTail(bool whole) {
  if (framing_ == Framing::kStream) {
    // SEND-16: behind HTTP/2 only, where the system has it.
    if (whole && !trailers_.empty() && capabilities().trailers) send_.setTrailers(trailers_);
    return;
  }
  if (framing_ != Framing::kChunked) return;
  tail_.assign(send_.body.empty() ? "" : "\r\n");
  if (whole) {
    tail_ += "0\r\n";
    tail_ += trailers_;
    tail_ += "\r\n";
  }
  send_.addChunk(tail_);
}

ULONG Exchange::flagsOf(bool last) const {
  ULONG flags = last ? 0 : api::kSendMoreData;
  if (last && closes_) flags |= api::kSendDisconnect;
  if (queue_->buffersData()) flags |= api::kSendBufferData;
  return flags;
}

void Exchange::sendEnded(ULONG error) {
  if (asksFragment_ && (error == NO_ERROR || error == ERROR_PATH_NOT_FOUND)) {
    fragmentSent(error != NO_ERROR);
    headAccepted_ = error == NO_ERROR;
    queue_->touch(this);
    return;
  }
  asksFragment_ = false;
  if (error != NO_ERROR) {
    responseFailed(error);
    queue_->touch(this);
    return;
  }
  headAccepted_ = true;
  // UP-5: the client's bytes can be read once the driver has switched.
  if (switched_) readMore();
  queue_->touch(this);
}

void Exchange::reportDrained() {
  if (!knows() || oneFrame_ || !headSet_ || send_.inFlight()) return;
  const uint64_t left = bodyAccepted_ - std::min<uint64_t>(bodyAccepted_, pending_.size());
  if (left <= bodyCredited_) return;
  const uint64_t fresh = left - bodyCredited_;
  bodyCredited_ = left;
  appendCredit(queue_->out(), id, static_cast<uint32_t>(fresh));
}

// --- the end ---

void Exchange::responseFailed(ULONG error) {
  const uint32_t lost = connectionId;
  pending_.clear();
  ended_ = true;
  if (meansGone(error)) {
    // The driver does not tell a reset from an end, and an end is the usual one.
    if (knows()) abort(frames::kAbortClientClosed);
    queue_->connectionBroken(lost);
    return;
  }
  // The call was wrong in the driver's eyes. While the client has nothing there is a page to say so.
  queue_->sendRefused(error);
  if (knows()) abort(frames::kAbortResponse);
  if (headAccepted_ || isPage_) {
    resetConnection();
  } else {
    ended_ = false;
    sendPage(kBrokenResponse);
  }
}

// The application broke its own response; nothing sensible can be said to the client any more once it has begun.
void Exchange::abortResponse() {
  const bool begun = headSet_;
  abort(frames::kAbortResponse);
  if (begun) {
    resetConnection();
  } else {
    sendPage(kBrokenResponse);
  }
}

void Exchange::abort(uint16_t reason) {
  appendFrame(queue_->out(), frames::kAborted, 0, reason, id);
  finish();
}

void Exchange::finish() {
  queue_->forget(this, closes_);
  id = 0;
  keepsBody_ = false;
}

void Exchange::clientGone() {
  if (knows()) abort(frames::kAbortClientClosed);
  pending_.clear();
  if (!ended_ && capabilities().cancelRequest) functions().CancelHttpRequest(queue_->handle(), requestId, nullptr);
  ended_ = true;
  queue_->touch(this);
}

void Exchange::cancel() {
  if (knows()) finish();
  resetConnection();
}

void Exchange::abandon() {
  if (knows()) finish();
  if (headSet_) {
    resetConnection();
  } else {
    sendPage(kAbandoned);
  }
}

void Exchange::refuse(const ParseError& page) {
  queue_->count().rejected++;
  sendPage(page);
}

// GONE-5. Without the call the response is ended where it is, or the request answered in the application's place.
void Exchange::resetConnection() {
  if (capabilities().cancelRequest) {
    pending_.clear();
    ended_ = true;
    functions().CancelHttpRequest(queue_->handle(), requestId, nullptr);
    queue_->touch(this);
    return;
  }
  if (ended_) {
    queue_->touch(this);
    return;
  }
  if (!headSet_) {
    sendPage(kAbandoned);
    return;
  }
  cutOff_ = complete_ = closes_ = true;
  markDirty();
}

void Exchange::sendPage(const ParseError& page) {
  ResponseOperation::Head head;
  head.status = page.status;
  head.block = kPageFields;
  head.connection = "close";
  head.http2 = facts_.http2;
  headSet_ = headSent_ = complete_ = ended_ = isPage_ = true;
  // AUTH-7: the legs of NTLM follow each other on one connection.
  closes_ = page.status != 401;
  if (!closes_) head.connection = std::string_view();
  send_.setHead(head);
  if (page.status == 401) send_.setChallenges(queue_->challenges());
  send_.setPolicy(-1);
  tail_ = facts_.head ? std::string() : driverPage(page.status, page.heading, page.text);
  send_.addChunk(tail_);
  send_.sendHead(flagsOf(true));
}

void Exchange::markDirty() { queue_->touch(this); }

}  // namespace driver
}  // namespace httpsys
