#include "httpsys/file_handle.h"

#include <string>

#include "httpsys/wide_text.h"

namespace httpsys {
namespace driver {

bool FileHandle::open(std::string_view path) {
  close();
  const std::u16string name = utf16(path);
  if (name.empty()) return false;
  // As node's own files: others may write, rename and delete it meanwhile.
  handle_ = CreateFileW(wide(name), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr, OPEN_EXISTING,
                        FILE_FLAG_SEQUENTIAL_SCAN | FILE_FLAG_OVERLAPPED, nullptr);
  return handle_ != INVALID_HANDLE_VALUE;
}

void FileHandle::close() {
  if (handle_ != INVALID_HANDLE_VALUE) CloseHandle(handle_);
  handle_ = INVALID_HANDLE_VALUE;
}

}  // namespace driver
}  // namespace httpsys
