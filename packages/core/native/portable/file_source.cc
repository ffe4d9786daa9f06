#include "portable/file_source.h"

#include <algorithm>
#include <string>

namespace httpsys {

namespace {

// libuv's file calls are synchronous without a callback; here one is over when this goes.
class FileCall {
 public:
  FileCall() = default;
  FileCall(const FileCall&) = delete;
  FileCall& operator=(const FileCall&) = delete;
  ~FileCall() { uv_fs_req_cleanup(&request); }
  uv_fs_t request{};
};

// A service has another working directory than the application.
bool isAbsolute(std::string_view path) { return path[0] == '/' || path[0] == '\\' || (path.size() > 2 && path[1] == ':'); }

}  // namespace

std::unique_ptr<FileSource> FileSource::open(const FilePart& part) {
  if (!isAbsolute(part.path)) return nullptr;
  const std::string path(part.path);
  FileCall opening;
  // Without NONBLOCK the opening of a FIFO that has taken the file's place would wait for its writer.
  const uv_file file = uv_fs_open(nullptr, &opening.request, path.c_str(), UV_FS_O_RDONLY | UV_FS_O_NONBLOCK | UV_FS_O_SEQUENTIAL, 0, nullptr);
  if (file < 0) return nullptr;
  std::unique_ptr<FileSource> source(new FileSource(file));
  FileCall asking;
  if (uv_fs_fstat(nullptr, &asking.request, file, nullptr) != 0) return nullptr;
  constexpr uint64_t kTypeMask = 0170000, kRegular = 0100000;
  if ((asking.request.statbuf.st_mode & kTypeMask) != kRegular || asking.request.statbuf.st_size < part.offset + part.length) return nullptr;
  source->offset_ = part.offset;
  source->remaining_ = part.length;
  return source;
}

FileSource::~FileSource() {
  FileCall closing;
  uv_fs_close(nullptr, &closing.request, file_, nullptr);
}

size_t FileSource::read(ByteBuffer* into, size_t bytes) {
  bytes = static_cast<size_t>(std::min<uint64_t>(bytes, remaining_));
  FileCall reading;
  uv_buf_t room = uv_buf_init(into->reserve(bytes), static_cast<unsigned>(bytes));
  const int got = uv_fs_read(nullptr, &reading.request, file_, &room, 1, static_cast<int64_t>(offset_), nullptr);
  if (got <= 0) return 0;
  into->commit(static_cast<size_t>(got));
  offset_ += static_cast<uint64_t>(got);
  remaining_ -= static_cast<uint64_t>(got);
  return static_cast<size_t>(got);
}

ptrdiff_t FileSource::send(Socket socket, size_t bytes) {
  const ptrdiff_t sent = sendFile(socket, file_, offset_, static_cast<size_t>(std::min<uint64_t>(bytes, remaining_)));
  if (sent > 0) {
    offset_ += static_cast<uint64_t>(sent);
    remaining_ -= static_cast<uint64_t>(sent);
  }
  return sent;
}

}  // namespace httpsys
