// A connection's request bodies: to the application under credit, or drained when it answered without reading (BODY-6).
#include <algorithm>

#include "common/frame_writer.h"
#include "common/http_errors.h"
#include "portable/channel.h"
#include "portable/connection.h"
#include "portable/io_thread.h"
#include "portable/limits.h"
#include "portable/request_queue.h"

namespace httpsys {

bool Connection::bodyBlocked() const {
  const Exchange* exchange = exchange_;
  if (exchange == nullptr || exchange->channel == nullptr) return false;
  if (!exchange->bodyDone) return exchange->bodyCredit <= 0;
  return exchange->taken && (exchange->bodyCredit <= 0 || exchange->channel->congested());
}

// The REQUEST frame at `frameAt` was appended last: a body that is here as a whole goes into it, else BODY frames follow.
size_t Connection::beginBody(const char* rest, size_t restBytes, size_t frameAt) {
  Exchange* exchange = exchange_;
  ByteBuffer* out = exchange->channel->out();
  // Of a request that may be upgraded an inline body would be what was sent behind it.
  if (exchange->upgradable) return pumpBody(rest, restBytes);
  if (!exchange->chunked) {
    if (exchange->bodyRemaining > restBytes || exchange->bodyRemaining > frames::kBodyWindowBytes) return pumpSized(rest, restBytes);
    const size_t taken = static_cast<size_t>(exchange->bodyRemaining);
    completeRequest(out, frameAt, std::string_view(rest, taken));
    exchange->bodyRemaining = 0;
    exchange->bodyDone = true;
    return taken;
  }
  // The request's frame is held open while the first pieces are decoded: a broken first chunk must not reach the application.
  const size_t bodyAt = out->size();
  size_t at = 0;
  for (;;) {
    const size_t offered = std::min(restBytes - at, static_cast<size_t>(exchange->bodyCredit));
    size_t used = 0;
    std::string_view piece;
    const ChunkedDecoder::Result result = exchange->decoder.next(rest + at, offered, &used, &piece);
    at += used;
    if (result == ChunkedDecoder::Result::kData) {
      out->append(piece);
      exchange->bodyCredit -= static_cast<int64_t>(piece.size());
      exchange->bodyReceived += piece.size();
      if (bodyTooLarge()) break;
      continue;
    }
    if (result == ChunkedDecoder::Result::kNeedMore && at < restBytes && exchange->bodyCredit > 0) continue;
    if (result == ChunkedDecoder::Result::kError) {
      out->truncate(frameAt);
      exchange->channel->takeBack(exchange);
      return brokenChunk(rest, restBytes, at);
    }
    const size_t bytes = out->size() - bodyAt;
    if (result == ChunkedDecoder::Result::kEnd) {
      exchange->bodyDone = true;
      if (exchange->decoder.trailers().empty()) {
        completeRequest(out, frameAt, std::string_view());
        uint8_t* frame = reinterpret_cast<uint8_t*>(out->data()) + frameAt;
        frames::store32(frame, frames::load32(frame) + static_cast<uint32_t>(bytes));
        return at;
      }
    }
    if (bytes > 0) {
      // Not the whole body: what was decoded moves into a BODY frame behind the request.
      out->reserve(frames::kHeaderBytes);
      char* body = out->data() + bodyAt;
      std::memmove(body + frames::kHeaderBytes, body, bytes);
      frames::storeHeader(reinterpret_cast<uint8_t*>(body), frames::kHeaderBytes + static_cast<uint32_t>(bytes), frames::kBody, 0, 0,
                          exchange->id);
      out->commit(frames::kHeaderBytes);
    }
    if (exchange->bodyDone) appendTrailers(out, exchange->id, exchange->decoder.trailers());
    return at;
  }
  out->truncate(frameAt);
  exchange->channel->takeBack(exchange);
  refuse(errors::kBodyTooLarge);
  return restBytes;
}

size_t Connection::pumpBody(const char* data, size_t length) {
  if (exchange_->stage == ExchangeStage::kAnswered) return drainBody(data, length);
  const size_t used = exchange_->chunked ? pumpChunked(data, length) : pumpSized(data, length);
  if (exchange_ != nullptr && exchange_->stage == ExchangeStage::kReading && exchange_->bodyDone) finishReading();
  return used;
}

size_t Connection::pumpSized(const char* data, size_t length) {
  Exchange* exchange = exchange_;
  const uint64_t allowed = exchange->bodyCredit > 0 ? static_cast<uint64_t>(exchange->bodyCredit) : 0;
  const size_t taken = static_cast<size_t>(std::min<uint64_t>(std::min<uint64_t>(length, exchange->bodyRemaining), allowed));
  if (taken == 0) return 0;
  exchange->bodyRemaining -= taken;
  exchange->bodyReceived += taken;
  exchange->bodyCredit -= static_cast<int64_t>(taken);
  exchange->bodyDone = exchange->bodyRemaining == 0;
  appendFrame(exchange->channel->out(), frames::kBody, exchange->bodyDone ? frames::kBodyIsLast : 0, 0, exchange->id,
              std::string_view(data, taken));
  return taken;
}

bool Connection::bodyTooLarge() const {
  const uint64_t most = exchange_->shard->settings().maxRequestBodyBytes;
  return most != 0 && exchange_->bodyReceived > most;
}

size_t Connection::pumpChunked(const char* data, size_t length) {
  Exchange* exchange = exchange_;
  ByteBuffer* out = exchange->channel->out();
  // The chunks of one read become one frame.
  const size_t frameAt = out->size();
  appendFrame(out, frames::kBody, 0, 0, exchange->id);
  size_t at = 0;
  size_t bytes = 0;
  bool ended = false;
  const ParseError* error = nullptr;
  while (at < length && exchange->bodyCredit > 0 && !ended && error == nullptr) {
    // Payload is never more than the bytes it came in, so offering no more than the credit keeps to it.
    const size_t offered = std::min(length - at, static_cast<size_t>(std::min<int64_t>(exchange->bodyCredit, INT32_MAX)));
    size_t used = 0;
    std::string_view piece;
    switch (exchange->decoder.next(data + at, offered, &used, &piece)) {
      case ChunkedDecoder::Result::kData:
        out->append(piece);
        bytes += piece.size();
        exchange->bodyCredit -= static_cast<int64_t>(piece.size());
        exchange->bodyReceived += piece.size();
        if (bodyTooLarge()) error = &errors::kBodyTooLarge;
        break;
      case ChunkedDecoder::Result::kNeedMore:
        break;
      case ChunkedDecoder::Result::kEnd:
        ended = true;
        break;
      case ChunkedDecoder::Result::kError:
        error = &chunkError();
        break;
    }
    at += used;
  }
  const bool last = ended && exchange->decoder.trailers().empty();
  if ((bytes == 0 && !last) || error != nullptr) {
    out->truncate(frameAt);
  } else {
    uint8_t* frame = reinterpret_cast<uint8_t*>(out->data()) + frameAt;
    frames::store32(frame, frames::kHeaderBytes + static_cast<uint32_t>(bytes));
    if (last) frame[5] = frames::kBodyIsLast;
  }
  if (error != nullptr) {
    bodyFailed(*error, std::string_view(data, length), at);
    return length;
  }
  if (ended) {
    exchange->bodyDone = true;
    if (!last) appendTrailers(out, exchange->id, exchange->decoder.trailers());
  }
  return at;
}

// The response is complete and the client still sends: its next request begins behind the rest of this body.
size_t Connection::drainBody(const char* data, size_t length) {
  Exchange* exchange = exchange_;
  size_t taken = 0;
  if (exchange->chunked) {
    while (taken < length && !exchange->bodyDone) {
      size_t used = 0;
      std::string_view piece;
      const ChunkedDecoder::Result result = exchange->decoder.next(data + taken, length - taken, &used, &piece);
      taken += used;
      if (result == ChunkedDecoder::Result::kError) {
        close();
        return length;
      }
      if (result == ChunkedDecoder::Result::kEnd) exchange->bodyDone = true;
    }
  } else {
    taken = static_cast<size_t>(std::min<uint64_t>(length, exchange->bodyRemaining));
    exchange->bodyRemaining -= taken;
    exchange->bodyDone = exchange->bodyRemaining == 0;
  }
  exchange->drained += taken;
  if (exchange->bodyDone) {
    releaseExchange();
  } else if (exchange->drained > limits::kDrainBytes) {
    releaseExchange();
    closeAfter_ = lingerAfter_ = true;
    return length;
  }
  return taken;
}

// The body broke a rule in the middle: the application hears of it, and the client too while no response has begun.
void Connection::bodyFailed(const ParseError& error, std::string_view packet, size_t understood) {
  if (exchange_->headSent) {
    thread_->counters.reject(error.reason);
    abort(frames::kAbortMalformedBody);
    return;
  }
  if (!handOver(error, packet, understood)) {
    const bool withBody = !exchange_->headMethod;
    dropExchange(frames::kAbortMalformedBody, true);
    sendPage(error, withBody);
  }
  markDirty();
}

const ParseError& Connection::chunkError() const {
  return exchange_->decoder.extensionsOverflowed() ? errors::kChunkExtensions : errors::kInvalidChunk;
}

// The first chunk of a request that nobody has been told of.
size_t Connection::brokenChunk(const char* data, size_t length, size_t understood) {
  const ParseError& error = chunkError();
  if (handOver(error, std::string_view(data, length), understood)) {
    markDirty();
  } else {
    refuse(error);
  }
  return length;
}

// The response of this request is complete, and the application does not read its body any more: there is none, or the rest is drained.
void Connection::finishReading() {
  Exchange* exchange = exchange_;
  exchange->channel->drop(exchange);
  if (exchange->bodyDone) {
    releaseExchange();
  } else {
    exchange->stage = ExchangeStage::kAnswered;
    thread_->retireId(exchange);
  }
  inputReady_ = true;
  markDirty();
}

void Connection::onBodyCredit(uint32_t count) {
  Exchange* exchange = exchange_;
  if (exchange->bodyDone && !exchange->taken) return;
  exchange->bodyCredit = std::min(exchange->bodyCredit + static_cast<int64_t>(count), limits::kBodyCreditMax);
  inputReady_ = true;
  markDirty();
}

}  // namespace httpsys
