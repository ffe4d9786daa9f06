#include "binding/process_calls.h"

#include "binding/errors.h"
#include "portable/service_calls.h"

namespace httpsys {
namespace binding {

Napi::Value LockFile(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!info[0].IsNumber()) {
    Napi::TypeError::New(env, "lockFile takes a file descriptor").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const int result = lockFile(info[0].As<Napi::Number>().Int32Value());
  if (result != 0 && result != UV_EAGAIN) {
    ThrowSystem(env, result, "flock");
    return env.Undefined();
  }
  return Napi::Boolean::New(env, result == 0);
}

Napi::Value PeerCredentials(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!info[0].IsNumber()) {
    Napi::TypeError::New(env, "peerCredentials takes a file descriptor").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  int64_t pid = 0;
  uint32_t uid = 0;
  const int result = peerOf(info[0].As<Napi::Number>().Int32Value(), &pid, &uid);
  if (result != 0) {
    ThrowSystem(env, result, "getsockopt");
    return env.Undefined();
  }
  Napi::Object peer = Napi::Object::New(env);
  peer.Set("pid", static_cast<double>(pid));
  peer.Set("uid", uid);
  return peer;
}

}  // namespace binding
}  // namespace httpsys
