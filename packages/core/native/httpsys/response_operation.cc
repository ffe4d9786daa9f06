#include "httpsys/response_operation.h"

#include <cstring>

#include "common/field_line.h"
#include "common/status_codes.h"
#include "httpsys/cache_policy.h"
#include "httpsys/driver_limits.h"
#include "httpsys/exchange.h"
#include "httpsys/http_functions.h"
#include "httpsys/known_headers.h"
#include "httpsys/request_queue.h"
#include "httpsys/wide_text.h"

namespace httpsys {
namespace driver {

namespace {

// A buffer that grew for one large response is not kept.
void letGo(ByteBuffer* buffer) {
  if (buffer->capacity() > limits::kKeptBufferBytes) {
    buffer->release();
  } else {
    buffer->clear();
  }
}

}  // namespace

void ResponseOperation::reset() {
  response_ = HTTP_RESPONSE();
  hasPolicy_ = false;
  unknown_.clear();
  challenges_.clear();
  trailers_.clear();
  clearChunks();
  copied_.clear();
  body.clear();
  held_.reset();
  file_.close();
}

std::string_view ResponseOperation::retain(std::string_view bytes, const std::shared_ptr<Batch>& batch) {
  // A send may take as long as its client pleases: it must not keep a batch in memory that is many times its size.
  if (bytes.size() > limits::kCopyBytesMax && batch->length / limits::kKeepFactor <= bytes.size()) {
    held_ = batch;
    return bytes;
  }
  copied_.clear();
  copied_.append(bytes);
  return copied_.view();
}

bool ResponseOperation::setHead(const Head& head) {
  response_ = HTTP_RESPONSE();
  unknown_.clear();
  ownChallenge_ = false;
  response_.StatusCode = head.status;
  std::string_view reason = head.reason;
  if (reason.empty()) reason = reasonPhrase(head.status);
  if (reason.empty()) reason = "unknown";
  response_.pReason = reason.data();
  response_.ReasonLength = static_cast<USHORT>(reason.size());

  const char* cursor = head.block.data();
  const char* const end = cursor + head.block.size();
  HeaderField field;
  while (cursor != end && readFieldLine(&cursor, end, &field) == FieldLineStatus::kField) {
    if (field.knownId == names::kConnection && !head.connection.empty()) continue;
    addField(field, head);
  }
  if (unknown_.size() > limits::kResponseFieldsMax) return false;
  if (!head.connection.empty() && !head.http2) setKnown(HttpHeaderConnection, head.connection);
  // SEND-5: the chunks themselves are written here, too.
  if (head.chunked) setKnown(HttpHeaderTransferEncoding, "chunked");
  return true;
}

void ResponseOperation::addField(const HeaderField& field, const Head& head) {
  switch (field.knownId) {
    case names::kTransferEncoding:  // the driver or this file frames
    case names::kDate:              // SEND-2: the driver writes its own
      return;
    case names::kConnection:
      // UP-3: the known one is the driver's.
      if (head.opaque) {
        addUnknown(field.name, field.value);
        return;
      }
      if (head.http2) return;
      break;
    case names::kKeepAlive:
    case names::kUpgrade:
      // RFC 9113 section 8.2.2: no connection-specific fields.
      if (head.http2) return;
      break;
    case names::kContentLength:
      // CACHE-26: the driver adds its own, and range answers must not carry two.
      if (head.dropContentLength) return;
      break;
    case names::kOther:
      if (names::equalsLower(field.name, "www-authenticate")) ownChallenge_ = true;
      break;
    default:
      break;
  }
  const int id = kResponseIds[field.knownId];
  // SEND-11: an empty known header would be left out.
  if (id < 0 || field.value.empty()) {
    addUnknown(field.name, field.value);
    return;
  }
  HTTP_KNOWN_HEADER& known = response_.Headers.KnownHeaders[id];
  // SEND-12: there is one place for each known header; further values go beside it.
  if (known.RawValueLength != 0) {
    addUnknown(field.name, field.value);
    return;
  }
  setKnown(id, field.value);
}

void ResponseOperation::addUnknown(std::string_view name, std::string_view value) {
  HTTP_UNKNOWN_HEADER header{};
  header.NameLength = static_cast<USHORT>(name.size());
  header.RawValueLength = static_cast<USHORT>(value.size());
  header.pName = name.data();
  header.pRawValue = value.data();
  unknown_.push_back(header);
}

void ResponseOperation::setKnown(int id, std::string_view value) {
  HTTP_KNOWN_HEADER& known = response_.Headers.KnownHeaders[id];
  known.RawValueLength = static_cast<USHORT>(value.size());
  known.pRawValue = value.data();
}

void ResponseOperation::setPolicy(int64_t seconds) {
  hasPolicy_ = seconds >= 0;
  policy_ = hasPolicy_ ? cachePolicy(seconds) : HTTP_CACHE_POLICY();
}

void ResponseOperation::setChallenges(const std::vector<std::string_view>& schemes) {
  if (ownChallenge_) return;
  challenges_.clear();
  for (const std::string_view scheme : schemes) {
    HTTP_KNOWN_HEADER header{};
    header.RawValueLength = static_cast<USHORT>(scheme.size());
    header.pRawValue = scheme.data();
    challenges_.push_back(header);
  }
  multiple_ = HTTP_MULTIPLE_KNOWN_HEADERS();
  multiple_.HeaderId = HttpHeaderWwwAuthenticate;
  multiple_.KnownHeaderCount = static_cast<USHORT>(challenges_.size());
  multiple_.KnownHeaders = challenges_.data();
  info_ = HTTP_RESPONSE_INFO();
  info_.Type = HttpResponseInfoTypeMultipleKnownHeaders;
  info_.Length = sizeof multiple_;
  info_.pInfo = &multiple_;
  response_.ResponseInfoCount = 1;
  response_.pResponseInfo = &info_;
}

void ResponseOperation::setTrailers(std::string_view block) {
  trailers_.clear();
  const char* cursor = block.data();
  const char* const end = cursor + block.size();
  HeaderField field;
  while (cursor != end && trailers_.size() < limits::kResponseFieldsMax && readFieldLine(&cursor, end, &field) == FieldLineStatus::kField) {
    HTTP_UNKNOWN_HEADER header{};
    header.NameLength = static_cast<USHORT>(field.name.size());
    header.RawValueLength = static_cast<USHORT>(field.value.size());
    header.pName = field.name.data();
    header.pRawValue = field.value.data();
    trailers_.push_back(header);
  }
  api::TrailersChunk chunk{};
  chunk.type = api::kChunkTrailers;
  chunk.count = static_cast<USHORT>(trailers_.size());
  chunk.trailers = trailers_.data();
  chunks_[chunkCount_] = HTTP_DATA_CHUNK();
  std::memcpy(&chunks_[chunkCount_], &chunk, sizeof chunk);
  ++chunkCount_;
}

void ResponseOperation::clearChunks() { chunkCount_ = 0; }

void ResponseOperation::addChunk(std::string_view bytes) {
  if (bytes.empty()) return;
  HTTP_DATA_CHUNK& chunk = chunks_[chunkCount_++];
  chunk = HTTP_DATA_CHUNK();
  chunk.DataChunkType = HttpDataChunkFromMemory;
  // The API reads it only.
  chunk.FromMemory.pBuffer = const_cast<char*>(bytes.data());
  chunk.FromMemory.BufferLength = static_cast<ULONG>(bytes.size());
}

void ResponseOperation::addFileChunk(uint64_t offset, uint64_t length) {
  if (length == 0) return;
  HTTP_DATA_CHUNK& chunk = chunks_[chunkCount_++];
  chunk = HTTP_DATA_CHUNK();
  chunk.DataChunkType = HttpDataChunkFromFileHandle;
  chunk.FromFileHandle.ByteRange.StartingOffset.QuadPart = offset;
  chunk.FromFileHandle.ByteRange.Length.QuadPart = length;
  chunk.FromFileHandle.FileHandle = file_.get();
}

bool ResponseOperation::addFragmentChunk(std::string_view name) {
  fragment_ = utf16(name);
  if (fragment_.empty()) return false;
  HTTP_DATA_CHUNK& chunk = chunks_[chunkCount_++];
  chunk = HTTP_DATA_CHUNK();
  chunk.DataChunkType = HttpDataChunkFromFragmentCache;
  chunk.FromFragmentCache.FragmentNameLength = static_cast<USHORT>(fragment_.size() * sizeof(char16_t));
  chunk.FromFragmentCache.pFragmentName = wide(fragment_);
  return true;
}

void ResponseOperation::addFramedChunk(std::string_view bytes) {
  if (bytes.empty()) return;
  size_t at = sizeof chunkSize_;
  chunkSize_[--at] = '\n';
  chunkSize_[--at] = '\r';
  size_t size = bytes.size();
  do {
    chunkSize_[--at] = "0123456789abcdef"[size & 15];
    size >>= 4;
  } while (size != 0);
  addChunk(std::string_view(chunkSize_ + at, sizeof chunkSize_ - at));
  addChunk(bytes);
}

void ResponseOperation::sendHead(ULONG flags) {
  response_.Headers.UnknownHeaderCount = static_cast<USHORT>(unknown_.size());
  response_.Headers.pUnknownHeaders = unknown_.empty() ? nullptr : unknown_.data();
  response_.EntityChunkCount = static_cast<USHORT>(chunkCount_);
  response_.pEntityChunks = chunkCount_ == 0 ? nullptr : chunks_;
  RequestQueue* queue = exchange_->queue();
  queue->loop().issue(this, [&](OVERLAPPED* overlapped, ULONG* sent) {
    return functions().SendHttpResponse(queue->handle(), exchange_->requestId, flags, &response_, hasPolicy_ ? &policy_ : nullptr, sent, nullptr, 0,
                                        overlapped, nullptr);
  });
}

void ResponseOperation::sendBody(ULONG flags) {
  RequestQueue* queue = exchange_->queue();
  queue->loop().issue(this, [&](OVERLAPPED* overlapped, ULONG* sent) {
    return functions().SendResponseEntityBody(queue->handle(), exchange_->requestId, flags, static_cast<USHORT>(chunkCount_),
                                              chunkCount_ == 0 ? nullptr : chunks_, sent, nullptr, 0, overlapped, nullptr);
  });
}

void ResponseOperation::completed(ULONG error, ULONG, bool) {
  clearChunks();
  letGo(&body);
  letGo(&copied_);
  held_.reset();
  file_.close();
  exchange_->sendEnded(error);
}

}  // namespace driver
}  // namespace httpsys
