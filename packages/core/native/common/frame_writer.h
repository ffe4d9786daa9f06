// Appends frames to a buffer (docs/frames.md).
#pragma once

#include <cstdint>
#include <string_view>

#include "common/byte_buffer.h"
#include "common/frames.h"
#include "common/http_parser.h"

namespace httpsys {

inline void appendFrame(ByteBuffer* out, uint8_t type, uint8_t flags, uint16_t aux, uint32_t id, std::string_view body = {}) {
  const uint32_t length = frames::kHeaderBytes + static_cast<uint32_t>(body.size());
  char* at = out->reserve(length);
  frames::storeHeader(reinterpret_cast<uint8_t*>(at), length, type, flags, aux, id);
  if (!body.empty()) std::memcpy(at + frames::kHeaderBytes, body.data(), body.size());
  out->commit(length);
}

inline void appendCredit(ByteBuffer* out, uint32_t id, uint32_t count) {
  uint8_t body[4];
  frames::store32(body, count);
  appendFrame(out, frames::kCredit, 0, 0, id, std::string_view(reinterpret_cast<const char*>(body), sizeof body));
}

// The size of a header entry; a value never exceeds 65535 bytes, because the parser's limits are clamped there.
inline size_t entryBytes(const HeaderField& field) { return 3 + (field.nameId == 0 ? 2 + field.name.size() : 0) + field.value.size(); }

inline uint8_t* writeEntry(uint8_t* at, const HeaderField& field) {
  *at++ = field.nameId;
  frames::store16(at, static_cast<uint16_t>(field.value.size()));
  at += 2;
  if (field.nameId == 0) {
    frames::store16(at, static_cast<uint16_t>(field.name.size()));
    at += 2;
    std::memcpy(at, field.name.data(), field.name.size());
    at += field.name.size();
  }
  if (!field.value.empty()) std::memcpy(at, field.value.data(), field.value.size());
  return at + field.value.size();
}

// A REQUEST frame without an inline body.
inline void appendRequest(ByteBuffer* out, const RequestHead& head, uint8_t flags, uint32_t id, uint32_t connectionId, uint32_t urlContext) {
  size_t entries = 0;
  for (const HeaderField& field : head.fields) entries += entryBytes(field);
  const size_t methodBytes = head.methodCode == 0 ? head.method.size() : 0;
  const size_t length = frames::kHeaderBytes + 20 + methodBytes + head.target.size() + entries;
  uint8_t* at = reinterpret_cast<uint8_t*>(out->reserve(length));
  frames::storeHeader(at, static_cast<uint32_t>(length), frames::kRequest, flags, head.methodCode, id);
  at += frames::kHeaderBytes;
  frames::store32(at, connectionId);
  frames::store32(at + 4, urlContext);
  frames::store32(at + 8, static_cast<uint32_t>(head.target.size()));
  frames::store32(at + 12, static_cast<uint32_t>(entries));
  frames::store16(at + 16, static_cast<uint16_t>(head.fields.size()));
  frames::store16(at + 18, static_cast<uint16_t>(methodBytes));
  at += 20;
  if (methodBytes > 0) std::memcpy(at, head.method.data(), methodBytes);
  at += methodBytes;
  std::memcpy(at, head.target.data(), head.target.size());
  at += head.target.size();
  for (const HeaderField& field : head.fields) at = writeEntry(at, field);
  out->commit(length);
}

// Puts an inline body behind a REQUEST frame that was appended last, and marks it as the whole.
inline void completeRequest(ByteBuffer* out, size_t frameAt, std::string_view body) {
  out->append(body);
  uint8_t* frame = reinterpret_cast<uint8_t*>(out->data()) + frameAt;
  frames::store32(frame, frames::load32(frame) + static_cast<uint32_t>(body.size()));
  frame[5] |= frames::kRequestEnd;
}

inline void appendTrailers(ByteBuffer* out, uint32_t id, const std::vector<HeaderField>& trailers) {
  size_t entries = 0;
  for (const HeaderField& field : trailers) entries += entryBytes(field);
  const size_t length = frames::kHeaderBytes + entries;
  uint8_t* at = reinterpret_cast<uint8_t*>(out->reserve(length));
  frames::storeHeader(at, static_cast<uint32_t>(length), frames::kBodyEnd, 0, static_cast<uint16_t>(trailers.size()), id);
  at += frames::kHeaderBytes;
  for (const HeaderField& field : trailers) at = writeEntry(at, field);
  out->commit(length);
}

}  // namespace httpsys
