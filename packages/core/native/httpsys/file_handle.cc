#include "httpsys/file_handle.h"

#include <string>

namespace httpsys {
namespace driver {

namespace {

// Empty: it is no UTF-8.
std::u16string wide(std::string_view text) {
  // UTF-16 takes no more units than UTF-8 takes bytes.
  std::u16string out(text.size(), u'\0');
  const int units = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text.data(), static_cast<int>(text.size()), reinterpret_cast<PWSTR>(out.data()),
                                        static_cast<int>(out.size()));
  out.resize(static_cast<size_t>(units > 0 ? units : 0));
  return out;
}

}  // namespace

bool FileHandle::open(std::string_view path) {
  close();
  const std::u16string name = wide(path);
  if (name.empty()) return false;
  // As node's own files: others may write, rename and delete it meanwhile.
  handle_ = CreateFileW(reinterpret_cast<PCWSTR>(name.c_str()), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr, OPEN_EXISTING,
                        FILE_FLAG_SEQUENTIAL_SCAN | FILE_FLAG_OVERLAPPED, nullptr);
  return handle_ != INVALID_HANDLE_VALUE;
}

void FileHandle::close() {
  if (handle_ != INVALID_HANDLE_VALUE) CloseHandle(handle_);
  handle_ = INVALID_HANDLE_VALUE;
}

}  // namespace driver
}  // namespace httpsys
