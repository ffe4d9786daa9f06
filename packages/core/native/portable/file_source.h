// A file that is the body of a response (SEND-17): opened and held against its range, then taken piece by piece.
#pragma once

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "common/byte_buffer.h"
#include "common/response_frame.h"
#include "portable/socket_calls.h"

namespace httpsys {

class FileSource {
 public:
  // Null: it cannot be opened, is no regular file, or ends before the range does.
  static std::unique_ptr<FileSource> open(const FilePart& part);
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;
  ~FileSource();

  uint64_t remaining() const { return remaining_; }
  void limitTo(uint64_t bytes) { remaining_ = bytes; }

  // At most `bytes` of what remains, behind what the buffer holds; their number. Nothing: the file has become shorter, or cannot be read.
  size_t read(ByteBuffer* into, size_t bytes);
  // Whether the system brings it to a socket itself.
  bool sendsItself() const { return sendsItself_; }
  void sendsItself(bool does) { sendsItself_ = does; }
  // As sendFile. Never more than what remains.
  ptrdiff_t send(Socket socket, size_t bytes);

 private:
  explicit FileSource(uv_file file) : file_(file) {}

  uv_file file_;
  bool sendsItself_ = kSendsFiles;
  uint64_t offset_ = 0;
  uint64_t remaining_ = 0;
};

}  // namespace httpsys
