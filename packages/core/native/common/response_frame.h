// A RESPONSE frame taken apart (docs/frames.md), and what every engine has to know of a status and a policy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/frames.h"

namespace httpsys {

inline constexpr size_t kResponsePartsBytes = 8;

struct ResponseParts {
  std::string_view reason, policy, block, body;
};

inline bool splitResponse(const uint8_t* body, size_t length, ResponseParts* parts) {
  if (length < kResponsePartsBytes) return false;
  const size_t reason = frames::load16(body);
  const size_t policy = frames::load16(body + 2);
  const size_t block = frames::load32(body + 4);
  const size_t rest = length - kResponsePartsBytes;
  if (block > rest || reason + policy > rest - block) return false;
  const char* at = reinterpret_cast<const char*>(body) + kResponsePartsBytes;
  parts->reason = std::string_view(at, reason);
  parts->policy = std::string_view(at + reason, policy);
  parts->block = std::string_view(at + reason + policy, block);
  parts->body = std::string_view(at + reason + policy + block, rest - reason - policy - block);
  return true;
}

inline bool splitsWell(const uint8_t* body, size_t length) {
  ResponseParts parts;
  return splitResponse(body, length, &parts);
}

// The file that is the body of a response, of its optional block FILE. Not there: the path is empty.
struct FilePart {
  uint64_t offset = 0;
  uint64_t length = 0;
  std::string_view path;  // absolute, UTF-8
};

inline constexpr size_t kPolicyBytes = 8;
inline constexpr size_t kBlockHeadBytes = 4;
inline constexpr size_t kFileRangeBytes = 16;

inline bool readFileBlock(std::string_view content, FilePart* file) {
  if (content.size() <= kFileRangeBytes || content.size() > kFileRangeBytes + frames::kFilePathBytesMax) return false;
  const uint8_t* range = reinterpret_cast<const uint8_t*>(content.data());
  file->offset = frames::load64(range);
  file->length = frames::load64(range + 8);
  file->path = content.substr(kFileRangeBytes);
  // Systems count the bytes of files in 63 bits.
  const uint64_t most = INT64_MAX;
  return file->offset <= most && file->length > 0 && file->length <= most - file->offset && file->path.find('\0') == std::string_view::npos;
}

// What the optional blocks of a response say of its body; empty names: nothing.
struct ResponseBlocks {
  FilePart file;
  std::string_view fragment;

  bool any() const { return !file.path.empty() || !fragment.empty(); }
};

inline bool readFragmentBlock(std::string_view content, std::string_view* name) {
  *name = content;
  return !content.empty() && content.size() <= frames::kFragmentNameBytesMax;
}

// Reads the optional blocks behind a policy. False: they are malformed, or name two bodies.
inline bool readResponseBlocks(std::string_view policy, ResponseBlocks* blocks) {
  if (policy.empty()) return true;
  if (policy.size() < kPolicyBytes) return false;
  std::string_view rest = policy.substr(kPolicyBytes);
  while (!rest.empty()) {
    if (rest.size() < kBlockHeadBytes) return false;
    const uint8_t* block = reinterpret_cast<const uint8_t*>(rest.data());
    const size_t length = frames::load16(block + 2);
    rest.remove_prefix(kBlockHeadBytes);
    if (length > rest.size()) return false;
    const std::string_view content = rest.substr(0, length);
    if (frames::load16(block) == frames::kBlockFile && !readFileBlock(content, &blocks->file)) return false;
    if (frames::load16(block) == frames::kBlockFragment && !readFragmentBlock(content, &blocks->fragment)) return false;
    rest.remove_prefix(length);
  }
  return blocks->file.path.empty() || blocks->fragment.empty();
}

inline bool isBodyless(uint16_t status) { return status < 200 || status == 204 || status == 304; }

// Seconds to live of a cache policy block; -1 when the response is not to be stored, 0 for until flushed.
inline int64_t policySeconds(std::string_view policy) {
  if (policy.size() < kPolicyBytes) return -1;
  const uint8_t* block = reinterpret_cast<const uint8_t*>(policy.data());
  if (block[0] == frames::kPolicyUntilFlushed) return 0;
  const uint32_t seconds = frames::load32(block + 4);
  // CACHE-1: a life of no time is none.
  return block[0] == frames::kPolicyTimeToLive && seconds > 0 ? static_cast<int64_t>(seconds) : -1;
}

// Whether a reason phrase may be sent (RFC 9112 section 4: tab, space, visible characters and bytes above ASCII).
inline bool validReason(std::string_view reason) {
  for (const char c : reason) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return false;
  }
  return true;
}

// An ADD_FRAGMENT frame taken apart.
struct FragmentParts {
  std::string_view policy, name, data;
};

inline bool splitFragment(const uint8_t* body, size_t length, FragmentParts* parts) {
  if (length < kPolicyBytes) return false;
  const size_t name = frames::load16(body + 2);
  if (name == 0 || name > frames::kFragmentNameBytesMax || name > length - kPolicyBytes) return false;
  const char* at = reinterpret_cast<const char*>(body);
  parts->policy = std::string_view(at, kPolicyBytes);
  parts->name = std::string_view(at + kPolicyBytes, name);
  parts->data = std::string_view(at + kPolicyBytes + name, length - kPolicyBytes - name);
  return policySeconds(parts->policy) >= 0 && !parts->data.empty();
}

}  // namespace httpsys
