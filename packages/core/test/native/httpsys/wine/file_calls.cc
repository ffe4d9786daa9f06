// The driver's file_handle.cc, whose files are told to the recording layer. Not by the linker: the compiler's own threads close handles, too, where the
// layer cannot take its lock.
#include "../recorder.h"
#include "httpsys/file_handle.h"

namespace httpsys {
namespace wine {

namespace {

HANDLE openFile(PCWSTR name, DWORD access, DWORD share, SECURITY_ATTRIBUTES* security, DWORD disposition, DWORD flags, HANDLE like) {
  const HANDLE file = CreateFileW(name, access, share, security, disposition, flags, like);
  if (file != INVALID_HANDLE_VALUE) recorder::fileOpened(file, access, share, disposition, flags);
  return file;
}

BOOL closeFile(HANDLE file) {
  recorder::fileClosed(file);
  return CloseHandle(file);
}

}  // namespace

}  // namespace wine
}  // namespace httpsys

#define CreateFileW httpsys::wine::openFile
#define CloseHandle httpsys::wine::closeFile
#include "httpsys/file_handle.cc"
