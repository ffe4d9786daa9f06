// Errors as Node's own: code, errno, syscall.
#pragma once

#include <napi.h>
#include <uv.h>

#include <string>

namespace httpsys {
namespace binding {

// `error` is libuv's code (UV_EEXIST and the like), which on POSIX is the negative errno.
inline void ThrowSystem(Napi::Env env, int error, const char* syscall, const std::string& detail = {}) {
  const std::string name = uv_err_name(error);
  std::string message = std::string(syscall) + " " + name + ": " + uv_strerror(error);
  if (!detail.empty()) message += ": " + detail;
  Napi::Error thrown = Napi::Error::New(env, message);
  thrown.Value().Set("code", name);
  thrown.Value().Set("errno", error);
  thrown.Value().Set("syscall", syscall);
  thrown.ThrowAsJavaScriptException();
}

inline void ThrowCoded(Napi::Env env, const char* code, const std::string& message) {
  Napi::Error thrown = Napi::Error::New(env, message);
  thrown.Value().Set("code", code);
  thrown.ThrowAsJavaScriptException();
}

}  // namespace binding
}  // namespace httpsys
