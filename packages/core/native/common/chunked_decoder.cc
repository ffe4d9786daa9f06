// The chunked transfer coding (RFC 9112 section 7.1), byte-exact: what is lenient here becomes request smuggling behind a proxy.
#include <algorithm>
#include <cstring>

#include "byte_scan.h"
#include "field_line.h"
#include "http_parser.h"

namespace httpsys {

namespace {

int hexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

void ChunkedDecoder::reset() {
  state_ = State::kSize;
  extensionsOverflowed_ = false;
  sizeDigits_ = 0;
  remaining_ = 0;
  lineBytes_ = 0;
  extensionBytes_ = 0;
  trailerLineAt_ = 0;
  trailerText_.clear();
  trailers_.clear();
}

const char* ChunkedDecoder::readSize(const char* p, const char* end) {
  for (; p != end; ++p) {
    const int digit = hexDigit(*p);
    if (digit >= 0) {
      if (sizeDigits_ == kSizeDigitsMax || remaining_ > kChunkBytesMax / 16) break;
      ++sizeDigits_;
      remaining_ = remaining_ * 16 + static_cast<unsigned>(digit);
      continue;
    }
    if (sizeDigits_ == 0 || (*p != '\r' && *p != ';')) break;
    lineBytes_ = sizeDigits_;
    state_ = *p == '\r' ? State::kSizeLf : State::kExtension;
    return p + 1;
  }
  if (p != end) state_ = State::kError;
  return p;
}

const char* ChunkedDecoder::readExtension(const char* p, const char* end) {
  const char* const stop = bytes::skipFieldValue(p, end);
  const size_t count = static_cast<size_t>(stop - p);
  // Compared before they are added up, so that no sum can wrap.
  if (count > kChunkLineBytesMax - lineBytes_ || count > kExtensionBytesMax - extensionBytes_) {
    state_ = State::kError;
    extensionsOverflowed_ = true;
    return p;
  }
  lineBytes_ += static_cast<uint32_t>(count);
  extensionBytes_ += static_cast<uint32_t>(count);
  if (stop == end) return stop;
  state_ = *stop == '\r' ? State::kSizeLf : State::kError;
  return stop + 1;
}

bool ChunkedDecoder::parseTrailers() {
  const char* cursor = trailerText_.data();
  const char* const end = cursor + trailerText_.size();
  for (;;) {
    HeaderField field;
    const FieldLineStatus status = readFieldLine(&cursor, end, &field);
    if (status == FieldLineStatus::kEndOfHead) return true;
    if (status != FieldLineStatus::kField || trailers_.size() == kTrailerCountMax) return false;
    // Framing is settled before the body; whoever sends these here hopes that somebody believes them (RFC 9110 section 6.5.1).
    if (field.knownId == names::kContentLength || field.knownId == names::kTransferEncoding) return false;
    trailers_.push_back(field);
  }
}

// Gathers the trailer section up to its empty line; only then are its fields parsed, so that they can point into one string.
const char* ChunkedDecoder::readTrailer(const char* p, const char* end) {
  while (p != end) {
    const char* lf = static_cast<const char*>(std::memchr(p, '\n', static_cast<size_t>(end - p)));
    const char* const stop = lf == nullptr ? end : lf + 1;
    if (static_cast<size_t>(stop - p) > kTrailerBytesMax - trailerText_.size()) {
      state_ = State::kError;
      return p;
    }
    trailerText_.append(p, static_cast<size_t>(stop - p));
    p = stop;
    if (lf == nullptr) return p;
    const size_t lineBytes = trailerText_.size() - trailerLineAt_;
    if (lineBytes < 2 || trailerText_[trailerText_.size() - 2] != '\r') {
      state_ = State::kError;
      return p;
    }
    trailerLineAt_ = trailerText_.size();
    if (lineBytes == 2) {
      state_ = parseTrailers() ? State::kEnd : State::kError;
      return p;
    }
  }
  return p;
}

ChunkedDecoder::Result ChunkedDecoder::next(const char* data, size_t len, size_t* used, std::string_view* piece) {
  const char* p = data;
  const char* const end = data + len;
  while (p != end && state_ != State::kEnd && state_ != State::kError) {
    switch (state_) {
      case State::kSize:
        p = readSize(p, end);
        break;
      case State::kExtension:
        p = readExtension(p, end);
        break;
      case State::kSizeLf:
        if (*p != '\n') {
          state_ = State::kError;
          break;
        }
        ++p;
        state_ = remaining_ == 0 ? State::kTrailer : State::kData;
        break;
      case State::kData: {
        const size_t count = static_cast<size_t>(std::min<uint64_t>(remaining_, static_cast<uint64_t>(end - p)));
        *piece = std::string_view(p, count);
        remaining_ -= count;
        if (remaining_ == 0) state_ = State::kDataCr;
        *used = static_cast<size_t>(p - data) + count;
        return Result::kData;
      }
      case State::kDataCr:
        state_ = *p++ == '\r' ? State::kDataLf : State::kError;
        break;
      case State::kDataLf:
        state_ = *p++ == '\n' ? State::kSize : State::kError;
        sizeDigits_ = 0;
        lineBytes_ = 0;
        break;
      case State::kTrailer:
        p = readTrailer(p, end);
        break;
      case State::kEnd:
      case State::kError:
        break;
    }
  }
  *used = static_cast<size_t>(p - data);
  if (state_ == State::kEnd) return Result::kEnd;
  return state_ == State::kError ? Result::kError : Result::kNeedMore;
}

}  // namespace httpsys
