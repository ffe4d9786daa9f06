// Text of frames as the system wants it.
#pragma once

#include <string>
#include <string_view>

#include "httpsys/http_api.h"

namespace httpsys {
namespace driver {

inline PCWSTR wide(const std::u16string& text) { return reinterpret_cast<PCWSTR>(text.c_str()); }

// Empty: it is no UTF-8.
inline std::u16string utf16(std::string_view text) {
  // UTF-16 takes no more units than UTF-8 takes bytes.
  std::u16string out(text.size(), u'\0');
  const int units = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text.data(), static_cast<int>(text.size()), reinterpret_cast<PWSTR>(out.data()),
                                        static_cast<int>(out.size()));
  out.resize(static_cast<size_t>(units > 0 ? units : 0));
  return out;
}

}  // namespace driver
}  // namespace httpsys
