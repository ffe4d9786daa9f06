// A file that the driver reads for a response: open until the send has ended (SEND-17).
#pragma once

#include <string_view>

#include "httpsys/http_api.h"

namespace httpsys {
namespace driver {

class FileHandle {
 public:
  FileHandle() = default;
  FileHandle(const FileHandle&) = delete;
  FileHandle& operator=(const FileHandle&) = delete;
  ~FileHandle() { close(); }

  // `path` is UTF-8. False: it cannot be opened.
  bool open(std::string_view path);
  void close();
  HANDLE get() const { return handle_; }

 private:
  HANDLE handle_ = INVALID_HANDLE_VALUE;
};

}  // namespace driver
}  // namespace httpsys
