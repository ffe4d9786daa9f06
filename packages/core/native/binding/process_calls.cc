#include "binding/process_calls.h"

#include <sys/file.h>

#include <cerrno>

#include "binding/errors.h"
#include "portable/data_socket.h"

namespace httpsys {
namespace binding {

Napi::Value LockFile(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!info[0].IsNumber()) {
    Napi::TypeError::New(env, "lockFile takes a file descriptor").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const int fd = info[0].As<Napi::Number>().Int32Value();
  int result;
  do {
    result = flock(fd, LOCK_EX | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  if (result == 0) return Napi::Boolean::New(env, true);
  if (errno == EWOULDBLOCK) return Napi::Boolean::New(env, false);
  ThrowSystem(env, errno, "flock");
  return env.Undefined();
}

Napi::Value PeerCredentials(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!info[0].IsNumber()) {
    Napi::TypeError::New(env, "peerCredentials takes a file descriptor").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  int64_t pid = 0;
  uint32_t uid = 0;
  if (!peerOf(info[0].As<Napi::Number>().Int32Value(), &pid, &uid)) {
    ThrowSystem(env, errno, "getsockopt");
    return env.Undefined();
  }
  Napi::Object peer = Napi::Object::New(env);
  peer.Set("pid", static_cast<double>(pid));
  peer.Set("uid", uid);
  return peer;
}

}  // namespace binding
}  // namespace httpsys
