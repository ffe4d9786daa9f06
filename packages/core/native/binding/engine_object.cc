#include "binding/engine_object.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "binding/batch_listener.h"
#include "binding/engine_options.h"
#include "binding/engine_state.h"
#include "binding/errors.h"

namespace httpsys {
namespace binding {

namespace {

bool ReadKey(Napi::Env env, const Napi::Value& value, AttachKey* key) {
  uint8_t* data;
  size_t length;
  if (!ReadBytes(value, &data, &length) || length != key->size()) {
    Napi::TypeError::New(env, "the key must be a Uint8Array of 16 bytes").ThrowAsJavaScriptException();
    return false;
  }
  std::memcpy(key->data(), data, length);
  return true;
}

int ReadBacklog(const Napi::Value& value) {
  constexpr int kDefaultBacklog = 511;
  constexpr int64_t kBacklogMax = 65535;
  const int64_t backlog = value.IsNumber() ? value.As<Napi::Number>().Int64Value() : 0;
  return backlog > 0 ? static_cast<int>(std::min(backlog, kBacklogMax)) : kDefaultBacklog;
}

// As node:net shows it; undefined for a socket without an IP address.
Napi::Value AddressToObject(Napi::Env env, Socket socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  char text[INET6_ADDRSTRLEN];
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return env.Undefined();
  const bool v6 = address.ss_family == AF_INET6;
  if (!v6 && address.ss_family != AF_INET) return env.Undefined();
  const int failed = v6 ? uv_ip6_name(reinterpret_cast<sockaddr_in6*>(&address), text, sizeof text)
                        : uv_ip4_name(reinterpret_cast<sockaddr_in*>(&address), text, sizeof text);
  if (failed != 0) return env.Undefined();
  Napi::Object result = Napi::Object::New(env);
  result.Set("address", text);
  result.Set("family", v6 ? "IPv6" : "IPv4");
  result.Set("port", ntohs(v6 ? reinterpret_cast<sockaddr_in6*>(&address)->sin6_port : reinterpret_cast<sockaddr_in*>(&address)->sin_port));
  return result;
}

}  // namespace

void EngineObject::Define(Napi::Env env, Napi::Object exports) {
  exports.Set("Engine", DefineClass(env, "Engine",
                                    {
                                        InstanceMethod<&EngineObject::Listen>("listen"),
                                        InstanceMethod<&EngineObject::ListenAlone>("listenAlone"),
                                        InstanceMethod<&EngineObject::Unlisten>("unlisten"),
                                        InstanceMethod<&EngineObject::SetUrls>("setUrls"),
                                        InstanceMethod<&EngineObject::OpenQueue>("openQueue"),
                                        InstanceMethod<&EngineObject::SetQueueOptions>("setQueueOptions"),
                                        InstanceMethod<&EngineObject::CloseQueue>("closeQueue"),
                                        InstanceMethod<&EngineObject::AllowAttach>("allowAttach"),
                                        InstanceMethod<&EngineObject::RevokeAttach>("revokeAttach"),
                                        InstanceMethod<&EngineObject::Attach>("attach"),
                                        InstanceMethod<&EngineObject::Submit>("submit"),
                                        InstanceMethod<&EngineObject::Detach>("detach"),
                                        InstanceMethod<&EngineObject::FlushCache>("flushCache"),
                                        InstanceMethod<&EngineObject::QueryState>("queryState"),
                                        InstanceMethod<&EngineObject::RefLoop>("ref"),
                                        InstanceMethod<&EngineObject::UnrefLoop>("unref"),
                                        InstanceMethod<&EngineObject::Close>("close"),
                                    }));
}

EngineObject::EngineObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<EngineObject>(info) {
  Napi::Env env = info.Env();
  EngineOptions options;
  if (!ReadEngineOptions(env, info[0], &options)) return;
  auto core = std::make_unique<Core>();
  core->env = env;
  core->engine = std::make_unique<Engine>(options);
  SystemError error;
  if (!core->engine->start(&error)) {
    ThrowSystem(env, error.code, error.syscall);
    return;
  }
  core_ = core.release();
  core_->owner = this;
  // A listening engine is not garbage, though nobody holds its object.
  Ref();
  // A worker that is terminated, or process.exit(), must find no open handle of ours on the loop.
  napi_add_async_cleanup_hook(
      env,
      [](napi_async_cleanup_hook_handle, void* data) {
        Core* closing = static_cast<Core*>(data);
        closing->close();
      },
      core_, &core_->hook);
}

EngineObject::~EngineObject() {
  if (core_ == nullptr) return;
  core_->owner = nullptr;
  core_->close();
}

// Deletes itself when the loop has let go of everything.
void EngineObject::Core::close() {
  if (closed) return;
  closed = true;
  if (owner != nullptr) owner->core_ = nullptr;
  engine->close([this] {
    napi_async_cleanup_hook_handle handle = hook;
    delete this;
    if (handle != nullptr) napi_remove_async_cleanup_hook(handle);
  });
}

Engine* EngineObject::Open(Napi::Env env) {
  if (core_ != nullptr) return core_->engine.get();
  ThrowCoded(env, "ERR_SERVER_NOT_RUNNING", "The engine is closed");
  return nullptr;
}

Napi::Value EngineObject::Listen(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Engine* engine = Open(env);
  if (engine == nullptr) return env.Undefined();
  const std::string host = info[0].ToString().Utf8Value();
  const int64_t port = info[1].ToNumber().Int64Value();
  if (port < 0 || port > 65535) {
    Napi::RangeError::New(env, "port must be from 0 to 65535").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  uint16_t bound = 0;
  SystemError error;
  if (!engine->listen(host, static_cast<uint16_t>(port), ReadBacklog(info[2]), &bound, &error)) {
    ThrowSystem(env, error.code, error.syscall, (host.empty() ? std::string("*") : host) + ":" + std::to_string(port));
    return env.Undefined();
  }
  return Napi::Number::New(env, bound);
}

Napi::Value EngineObject::ListenAlone(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Engine* engine = Open(env);
  LoneAddress where;
  if (engine == nullptr || !ReadLoneAddress(env, info[1], &where)) return env.Undefined();
  BoundSocket bound;
  SystemError error;
  if (!engine->listenAlone(info[0].ToNumber().Uint32Value(), where, ReadBacklog(info[2]), &bound, &error)) {
    ThrowSystem(env, error.code, error.syscall);
    return env.Undefined();
  }
  return AddressToObject(env, bound.socket);
}

Napi::Value EngineObject::Unlisten(const Napi::CallbackInfo& info) {
  if (Engine* engine = Open(info.Env())) {
    engine->unlisten(info[0].ToString().Utf8Value(), info[1].ToNumber().Uint32Value());
  }
  return info.Env().Undefined();
}

Napi::Value EngineObject::SetUrls(const Napi::CallbackInfo& info) {
  std::vector<UrlEntry> urls;
  Engine* engine = Open(info.Env());
  if (engine != nullptr && ReadUrls(info.Env(), info[0], &urls)) engine->setUrls(std::move(urls));
  return info.Env().Undefined();
}

Napi::Value EngineObject::OpenQueue(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  QueueOptions options;
  Engine* engine = Open(env);
  if (engine == nullptr || !ReadQueueOptions(env, info[1], &options)) return env.Undefined();
  if (!engine->openQueue(info[0].ToNumber().Uint32Value(), options)) ThrowSystem(env, UV_EEXIST, "openQueue");
  return env.Undefined();
}

Napi::Value EngineObject::SetQueueOptions(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Engine* engine = Open(env);
  if (engine == nullptr) return env.Undefined();
  const uint32_t id = info[0].ToNumber().Uint32Value();
  const QueueOptions* current = engine->queueOptions(id);
  if (current == nullptr) {
    ThrowSystem(env, UV_ENOENT, "setQueueOptions");
    return env.Undefined();
  }
  QueueOptions options = *current;
  if (ReadQueueOptions(env, info[1], &options)) engine->setQueueOptions(id, options);
  return env.Undefined();
}

Napi::Value EngineObject::CloseQueue(const Napi::CallbackInfo& info) {
  if (Engine* engine = Open(info.Env())) engine->closeQueue(info[0].ToNumber().Uint32Value());
  return info.Env().Undefined();
}

Napi::Value EngineObject::AllowAttach(const Napi::CallbackInfo& info) {
  AttachKey key;
  Engine* engine = Open(info.Env());
  if (engine != nullptr && ReadKey(info.Env(), info[0], &key)) engine->allowAttach(key, info[1].ToNumber().Uint32Value());
  return info.Env().Undefined();
}

Napi::Value EngineObject::RevokeAttach(const Napi::CallbackInfo& info) {
  AttachKey key;
  Engine* engine = Open(info.Env());
  if (engine != nullptr && ReadKey(info.Env(), info[0], &key)) engine->revokeAttach(key);
  return info.Env().Undefined();
}

Napi::Value EngineObject::Attach(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Engine* engine = Open(env);
  if (engine == nullptr) return env.Undefined();
  if (!info[2].IsFunction()) {
    Napi::TypeError::New(env, "onBatch must be a function").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  // Held by its channel, which the engine deletes only when nothing of it is on the stack.
  auto listener = std::make_shared<BatchListener>(env, info[2].As<Napi::Function>());
  const napi_env raw = env;
  const uint32_t id = engine->attach(info[0].ToNumber().Uint32Value(), info[1].ToNumber().Uint32Value(),
                                     [listener, raw](uint32_t, std::string_view batch) { listener->deliver(raw, batch); });
  if (id == 0) {
    ThrowSystem(env, UV_ENOENT, "attach");
    return env.Undefined();
  }
  return Napi::Number::New(env, id);
}

Napi::Value EngineObject::Submit(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Engine* engine = Open(env);
  if (engine == nullptr) return env.Undefined();
  uint8_t* data;
  size_t capacity;
  const int64_t length = info[2].ToNumber().Int64Value();
  if (!ReadBytes(info[1], &data, &capacity) || length < 0 || static_cast<uint64_t>(length) > capacity) {
    Napi::TypeError::New(env, "submit takes a Uint8Array and a length within it").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  uint8_t* body = nullptr;
  size_t bodyBytes = 0;
  if (!info[3].IsUndefined() && !ReadBytes(info[3], &body, &bodyBytes)) {
    Napi::TypeError::New(env, "the body that submit takes is a Uint8Array").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  std::string why;
  if (!engine->submit(info[0].ToNumber().Uint32Value(), data, static_cast<size_t>(length), body, bodyBytes, &why)) {
    ThrowSystem(env, UV_EPROTO, "submit", why);
  }
  return env.Undefined();
}

Napi::Value EngineObject::Detach(const Napi::CallbackInfo& info) {
  if (Engine* engine = Open(info.Env())) engine->detach(info[0].ToNumber().Uint32Value());
  return info.Env().Undefined();
}

Napi::Value EngineObject::FlushCache(const Napi::CallbackInfo& info) {
  Engine* engine = Open(info.Env());
  if (engine == nullptr) return info.Env().Undefined();
  const size_t count = engine->flushCache(info[0].ToNumber().Uint32Value(), info[1].ToString().Utf8Value(), info[2].ToBoolean().Value());
  return Napi::Number::New(info.Env(), static_cast<double>(count));
}

Napi::Value EngineObject::QueryState(const Napi::CallbackInfo& info) {
  Engine* engine = Open(info.Env());
  if (engine == nullptr) return info.Env().Undefined();
  return StateToObject(info.Env(), engine->state());
}

Napi::Value EngineObject::RefLoop(const Napi::CallbackInfo& info) {
  if (Engine* engine = Open(info.Env())) engine->setReferenced(true);
  return info.Env().Undefined();
}

Napi::Value EngineObject::UnrefLoop(const Napi::CallbackInfo& info) {
  if (Engine* engine = Open(info.Env())) engine->setReferenced(false);
  return info.Env().Undefined();
}

Napi::Value EngineObject::Close(const Napi::CallbackInfo& info) {
  if (core_ != nullptr) {
    core_->close();
    Unref();
  }
  return info.Env().Undefined();
}

}  // namespace binding
}  // namespace httpsys
