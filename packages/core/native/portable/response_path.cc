// A connection's responses: the frames of the application become the bytes of HTTP/1.1, under the window of docs/frames.md.
#include <algorithm>

#include "common/frame_writer.h"
#include "common/http_date.h"
#include "common/response_frame.h"
#include "common/status_codes.h"
#include "portable/channel.h"
#include "portable/connection.h"
#include "portable/field_text.h"
#include "portable/fragments.h"
#include "portable/io_thread.h"
#include "portable/limits.h"
#include "portable/request_queue.h"
#include "portable/response_writer.h"

namespace httpsys {

bool Connection::responseFrameFits(const uint8_t* body, size_t length) {
  ResponseParts parts;
  return splitResponse(body, length, &parts);
}

bool Connection::onResponse(const frames::Header& header, const uint8_t* body, size_t length) {
  Exchange* exchange = exchange_;
  ResponseParts parts;
  splitResponse(body, length, &parts);
  const uint16_t status = header.aux;
  const bool whole = (header.flags & frames::kResponseEnd) != 0;
  ResponseHeadScan scan;
  scanResponseHead(parts.block, &scan);
  ResponseBlocks blocks;
  if (exchange->headSent || status < 100 || status > 999 || !scan.valid || !validReason(parts.reason) || !readResponseBlocks(parts.policy, &blocks)) {
    abortResponse();
    return true;
  }
  const bool opaque = (header.flags & frames::kResponseOpaque) != 0;
  // A file or a fragment is the whole body.
  if (blocks.any() && (!whole || opaque || !parts.body.empty())) {
    abortResponse();
    return true;
  }
  const bool hasFile = !blocks.file.path.empty();
  std::shared_ptr<const CachedResponse> fragment;
  if (!blocks.fragment.empty()) {
    fragment = findFragment(thread_->cache(), exchange->shard->id(), blocks.fragment, thread_->nowMs());
    const frames::FragmentUse use = fragment == nullptr ? frames::kFragmentMissing : frames::kFragmentSent;
    appendFrame(exchange->channel->out(), frames::kFragmentUsed, 0, use, exchange->id);
    // SEND-18: nothing was sent, and the application may answer otherwise.
    if (fragment == nullptr) return true;
    parts.body = fragment->body;
  }
  if (opaque) return switchOver(status, parts.reason, parts.block, parts.body);
  const bool hasPolicy = (header.flags & frames::kResponsePolicy) != 0;
  // What is to be stored comes in one frame whatever its size; it is whole by END, or by its Content-Length with END to follow.
  const bool storable = hasPolicy && (whole || (scan.contentLength >= 0 && static_cast<uint64_t>(scan.contentLength) == parts.body.size()));
  if (parts.body.size() > frames::kResponseWindowBytes && !storable && fragment == nullptr) return false;

  // A client that waits for 100 and gets the final status may or may not send its body: no telling what its next bytes are.
  const bool unsure = exchange->expectContinue && !exchange->continued && !exchange->bodyDone && exchange->bodyReceived == 0;
  bool close = !exchange->keepAlive || (header.flags & frames::kResponseClose) != 0 || unsure || exchange->taken;
  if (scan.connectionClose && (header.flags & frames::kResponseStays) == 0) close = true;
  // An interim status as the last word: the client goes on waiting and would take the next answer on this connection for it.
  if (status < 200) close = true;
  exchange->bodyless = exchange->headMethod || isBodyless(status);
  exchange->inOneFrame = whole;
  ResponseHead head;
  if (exchange->bodyless) {
    exchange->framing = BodyFraming::kNone;
  } else if (scan.contentLength >= 0) {
    exchange->framing = BodyFraming::kLength;
    exchange->lengthRemaining = static_cast<uint64_t>(scan.contentLength);
  } else if ((header.flags & frames::kResponseUntilClose) != 0) {
    exchange->framing = BodyFraming::kUntilClose;
    close = true;
  } else if (whole) {
    exchange->framing = BodyFraming::kLength;
    exchange->lengthRemaining = hasFile ? blocks.file.length : parts.body.size();
    head.contentLength = static_cast<int64_t>(exchange->lengthRemaining);
  } else if (exchange->http10) {
    exchange->framing = BodyFraming::kUntilClose;
    close = true;
  } else {
    exchange->framing = BodyFraming::kChunked;
    head.chunked = true;
  }
  exchange->closes = close;

  std::unique_ptr<FileSource> file;
  ByteBuffer loaded;
  if (hasFile && !exchange->bodyless) {
    if (!openFile(blocks.file, storable, &file, &loaded)) {
      abortResponse();
      return true;
    }
    parts.body = loaded.view();
  }

  std::shared_ptr<const CachedResponse> stored;
  if (exchange->mayStore && storable && file == nullptr) {
    stored = store(header, parts.policy, parts.reason, parts.block, scan, parts.body, close && exchange->keepAlive);
  }
  if (exchange->renewing) {
    exchange->renewing = false;
    thread_->cache()->finishRenewal(exchange->key, RenewalEnd::kNotCacheable);
  }

  head.status = status;
  head.reason = parts.reason;
  head.fields = parts.block;
  if (!scan.hasDate && (header.flags & frames::kResponseNoDate) == 0) head.date = thread_->dateLine();
  if (!scan.hasConnection && (header.flags & frames::kResponseNoConnection) == 0) {
    if (close) {
      head.connection = "Connection: close\r\n";
    } else if (scan.hasKeepAlive) {
      head.connection = "Connection: keep-alive\r\n";
    } else {
      head.connection = exchange->shard->settings().keepAliveFields;
    }
  }
  appendResponseHead(output(), head, scan);
  exchange->headSent = true;
  const std::shared_ptr<const CachedResponse>& entry = stored != nullptr ? stored : fragment;
  if (entry != nullptr && !exchange->bodyless && entry->body.size() >= limits::kDirectWriteBytes) {
    beginEntry(entry);
  } else if (file != nullptr) {
    beginFile(std::move(file));
  } else {
    writeBody(parts.body);
  }
  if (closed_) return true;
  if (whole) {
    endResponse(false, std::string_view());
  } else {
    markDirty();
  }
  return true;
}

// A slow client is served from the entry, which may be far larger than the response window.
void Connection::beginEntry(const std::shared_ptr<const CachedResponse>& entry) {
  std::string_view body = entry->body;
  if (exchange_->framing == BodyFraming::kLength) {
    if (body.size() > exchange_->lengthRemaining) {
      body = body.substr(0, static_cast<size_t>(exchange_->lengthRemaining));
      exchange_->closes = true;
    }
    exchange_->lengthRemaining -= body.size();
  }
  appendEntryBody(entry, body);
}

// CACHE-1 to CACHE-14; the request's part of the conditions is in `mayStore`.
std::shared_ptr<const CachedResponse> Connection::store(const frames::Header& header, std::string_view policy, std::string_view reason,
                                                        std::string_view block, const ResponseHeadScan& scan, std::string_view body,
                                                        bool forceDisconnect) {
  const int64_t seconds = policySeconds(policy);
  const uint16_t status = header.aux;
  if (seconds < 0 || status < 200 || status > 599 || status == 206 || status == 304) return nullptr;
  if (!scan.hasContentType || (header.flags & frames::kResponseNoDate) != 0) return nullptr;
  int64_t modified = 0;
  if (!scan.lastModified.empty() && !parseHttpDate(scan.lastModified, thread_->wallSeconds(), &modified)) return nullptr;
  if (scan.contentLength >= 0 && static_cast<uint64_t>(scan.contentLength) != body.size()) return nullptr;
  if (exchange_->bodyless) body = std::string_view();
  if (block.size() + body.size() > exchange_->shard->settings().cacheEntryBytes) return nullptr;

  auto entry = std::make_shared<CachedResponse>();
  entry->status = status;
  ByteBuffer line;
  appendStatusLine(&line, status, reason);
  entry->head.assign(line.data(), line.size());
  // CACHE-28: what belongs to one connection or one moment is written afresh for each client. The scan looks for a line end first.
  std::string fields("\r\n");
  fields.append(block);
  appendFieldsExcept(fields, {"content-length", "transfer-encoding", "connection", "keep-alive", "date"}, &entry->head);
  entry->body.assign(body);
  entry->etag.assign(scan.etag);
  entry->lastModified.assign(scan.lastModified);
  entry->contentType.assign(scan.contentType);
  line.clear();
  line.append(entry->head);
  if (!isBodyless(status)) appendContentLength(&line, body.size());
  entry->plain.assign(line.data(), line.size());
  entry->forceDisconnect = forceDisconnect;
  entry->queueId = exchange_->shard->id();
  entry->urlContext = exchange_->urlContext;
  entry->flushMark = exchange_->flushMark;
  entry->expiresAtMs = seconds == 0 ? 0 : thread_->nowMs() + static_cast<uint64_t>(seconds) * 1000;
  // It ends the renewal in any case; by now another request may have begun one, which is not this one's to end.
  exchange_->renewing = false;
  return thread_->cache()->store(exchange_->key, entry, thread_->nowMs()) ? entry : nullptr;
}

void Connection::onInformational(uint16_t status, std::string_view block) {
  Exchange* exchange = exchange_;
  // HTTP/1.0 has no interim responses (RFC 9110 section 15.2).
  if (exchange->headSent || exchange->http10) return;
  ResponseHeadScan scan;
  scanResponseHead(block, &scan);
  if (status < 100 || status > 199 || status == 101 || !scan.valid || scan.hasTransferEncoding || scan.contentLength >= 0) {
    abortResponse();
    return;
  }
  if (status == 100) exchange->continued = true;
  // Interim responses have no window: those that the client does not keep up with are left out.
  if (pendingOutput() >= limits::kOutputHighBytes) return;
  ResponseHead head;
  head.status = status;
  head.fields = block;
  appendResponseHead(output(), head, scan);
  markDirty();
}

bool Connection::onData(bool end, std::string_view bytes) {
  Exchange* exchange = exchange_;
  if (!exchange->headSent || exchange->opaque || exchange->stage == ExchangeStage::kReading) {
    abortResponse();
    return true;
  }
  if (!bytes.empty() && exchange->bodyAccepted + bytes.size() > exchange->bodyCredited + exchange->window) return false;
  writeBody(bytes);
  if (closed_) return true;
  if (end) {
    endResponse(false, std::string_view());
  } else {
    markDirty();
  }
  return true;
}

void Connection::onEnd(bool keepBody, std::string_view trailers) {
  if (exchange_->stage == ExchangeStage::kReading) {
    if (!keepBody) finishReading();
    return;
  }
  ResponseHeadScan scan;
  if (!trailers.empty()) scanResponseHead(trailers, &scan);
  // Framing fields in a trailer would be taken for the message's own by a careless reader (RFC 9110 section 6.5.1).
  if (!exchange_->headSent || exchange_->opaque || (!trailers.empty() && (!scan.valid || scan.hasTransferEncoding || scan.contentLength >= 0))) {
    abortResponse();
    return;
  }
  endResponse(keepBody, trailers);
}

void Connection::writeBody(std::string_view bytes) {
  Exchange* exchange = exchange_;
  exchange->bodyAccepted += bytes.size();
  switch (exchange->framing) {
    case BodyFraming::kNone:
      return;
    case BodyFraming::kLength:
      if (bytes.size() > exchange->lengthRemaining) {
        bytes = bytes.substr(0, static_cast<size_t>(exchange->lengthRemaining));
        exchange->closes = true;
      }
      exchange->lengthRemaining -= bytes.size();
      break;
    case BodyFraming::kUntilClose:
      break;
    case BodyFraming::kChunked:
      if (bytes.empty()) return;
      appendChunkSize(output(), bytes.size());
      appendBody(bytes);
      if (!closed_) append("\r\n");
      return;
  }
  if (!bytes.empty()) appendBody(bytes);
}

void Connection::endResponse(bool keepBody, std::string_view trailers) {
  Exchange* exchange = exchange_;
  if (exchange->framing == BodyFraming::kChunked) appendLastChunk(output(), trailers);
  const bool broken = exchange->framing == BodyFraming::kLength && exchange->lengthRemaining > 0;
  const bool ends = exchange->closes || broken;
  if (exchange->bodyAccepted <= frames::kResponseWindowBytes) eager_ = false;
  if (keepBody && !exchange->bodyDone) {
    if (!ends) {
      exchange->stage = ExchangeStage::kReading;
      markDirty();
      return;
    }
    // node:http closes such a connection behind the response, whatever of the body is still to come.
    appendFrame(exchange->channel->out(), frames::kAborted, 0, frames::kAbortEngine, exchange->id);
  }
  exchange->channel->drop(exchange);
  exchange->stage = ExchangeStage::kAnswered;
  if (ends) {
    // The client may still be sending this body or the next request: let it read the answer before the connection goes.
    lingerAfter_ = !broken && (!exchange->bodyDone || (in_ != nullptr && !in_->empty()));
    closeAfter_ = true;
    releaseExchange();
  } else if (exchange->bodyDone) {
    releaseExchange();
  } else {
    thread_->retireId(exchange);
  }
  inputReady_ = true;
  markDirty();
}

// The application broke its own response; nothing sensible can be said to the client any more.
void Connection::abortResponse() {
  const bool begun = exchange_->headSent;
  const bool withBody = !exchange_->headMethod;
  dropExchange(frames::kAbortResponse, true);
  if (begun) {
    reset();
  } else {
    sendPage(kBrokenResponse, withBody);
    markDirty();
  }
}

void Connection::onCancel() {
  // Where only the end of the connection ends the body, a client would take the part it has for the whole. A connection that has left HTTP is
  // cancelled by resetAndDestroy only.
  const bool resets = exchange_->opaque || (exchange_->headSent && exchange_->framing == BodyFraming::kUntilClose);
  dropExchange(frames::kAbortEngine, false);
  // What the program wrote before it gave up leaves, as far as the client takes it now: node:http's destroy loses no written byte either.
  if (!outBlocked_ && pendingOutput() > 0) flush();
  if (resets) {
    reset();
  } else {
    close();
  }
}

// CREDIT for response bytes that have left: in steps, or when everything has.
void Connection::reportDrained() {
  Exchange* exchange = exchange_;
  if (exchange == nullptr || exchange->stage != ExchangeStage::kDelivered || exchange->inOneFrame || !exchange->headSent) return;
  const uint64_t pending = pendingOutput();
  const uint64_t left = exchange->bodyAccepted > pending ? exchange->bodyAccepted - pending : 0;
  if (left <= exchange->bodyCredited) return;
  const uint64_t fresh = left - exchange->bodyCredited;
  // Neither a conversation of small messages nor the pieces of one frame need a report of each.
  if ((pending > 0 || exchange->opaque || exchange->channel->inDataOf(exchange->id)) && fresh < exchange->window / limits::kCreditStepsPerWindow) return;
  exchange->bodyCredited = left;
  appendCredit(exchange->channel->out(), exchange->id, static_cast<uint32_t>(fresh));
}

}  // namespace httpsys
