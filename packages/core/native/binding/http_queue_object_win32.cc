#include "binding/http_queue_object.h"

#include <uv.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "binding/batch_listener.h"
#include "common/byte_buffer.h"
#include "httpsys/driver.h"

namespace httpsys {
namespace binding {

namespace {

// What outlives the JavaScript object: the driver, whose thread must be through before anything of this goes, and the loop's handle.
struct QueueCore {
  napi_env env = nullptr;
  std::unique_ptr<driver::Driver> driver;
  uv_async_t wake{};
  std::unique_ptr<BatchListener> listener;
  std::unique_ptr<Napi::AsyncContext> context;
  Napi::ObjectReference receiver;
  Napi::FunctionReference onEvent;
  napi_async_cleanup_hook_handle hook = nullptr;
  // Where the object keeps its pointer to this. An environment that ends closes the queue first, and destroys the object when this is long gone.
  QueueCore** holder = nullptr;
  ByteBuffer frames;
  std::vector<driver::QueueEvent> events;
  bool wakeOpen = false;
  bool closing = false;
  bool closed = false;
  bool endsWithProcess = false;
  // The environment is being torn down: no call into JavaScript any more.
  bool silent = false;

  void letGo();
  void collect();
  void close();
  void finish();
};

void QueueCore::letGo() {
  if (holder != nullptr) *holder = nullptr;
  holder = nullptr;
}

void QueueCore::collect() {
  driver->collect(&frames, &events);
  if (!silent && !frames.empty()) listener->deliver(env, frames.view());
  frames.clear();
  // A listener may have closed the queue.
  std::vector<driver::QueueEvent> now;
  now.swap(events);
  for (const driver::QueueEvent& event : now) {
    if (event.kind == driver::QueueEvent::kClosed) closed = true;
    if (silent) continue;
    Napi::HandleScope scope(env);
    const napi_value arguments[4] = {Napi::Number::New(env, event.kind), Napi::Number::New(env, event.token),
                                     Napi::Number::New(env, event.code), Napi::String::New(env, event.text)};
    CallBack(env, *context, receiver, onEvent, 4, arguments);
  }
  if (closed) finish();
}

void QueueCore::close() {
  if (closing) return;
  closing = true;
  letGo();
  driver->close();
}

// The thread is through. Deletes itself when the loop has let go of its handle.
void QueueCore::finish() {
  if (!wakeOpen) return;
  wakeOpen = false;
  driver.reset();
  uv_close(reinterpret_cast<uv_handle_t*>(&wake), [](uv_handle_t* handle) {
    QueueCore* core = static_cast<QueueCore*>(handle->data);
    napi_async_cleanup_hook_handle hook = core->hook;
    {
      Napi::HandleScope scope(core->env);
      delete core;
    }
    if (hook != nullptr) napi_remove_async_cleanup_hook(hook);
  });
}

// A worker that ends, or the process. A queue of a worker is closed in order, for the process goes on; the end of a process is left to the
// system, which must not wait for anybody's clients.
void onCleanup(napi_async_cleanup_hook_handle, void* data) {
  QueueCore* core = static_cast<QueueCore*>(data);
  core->silent = true;
  core->letGo();
  if (core->driver != nullptr && core->endsWithProcess) {
    core->driver->abandon();
    // What the system may still write to stays where it is.
    (void)core->driver.release();
    core->finish();
  } else if (core->driver != nullptr) {
    uv_ref(reinterpret_cast<uv_handle_t*>(&core->wake));
    core->close();
  }
}

std::string describe(const driver::DriverError& error) {
  return std::string(error.function) + " failed with Win32 error " + std::to_string(error.code);
}

void ThrowDriver(Napi::Env env, const driver::DriverError& error) {
  Napi::Error thrown = Napi::Error::New(env, describe(error));
  thrown.Value().Set("win32Code", Napi::Number::New(env, error.code));
  thrown.Value().Set("syscall", error.function);
  thrown.ThrowAsJavaScriptException();
}

// Leaves -1, which means "as it is", for what is absent.
int64_t ReadSetting(const Napi::Object& options, const char* name) {
  const Napi::Value value = options.Get(name);
  return value.IsNumber() ? value.As<Napi::Number>().Int64Value() : -1;
}

std::u16string ReadText(const Napi::Object& options, const char* name) {
  const Napi::Value value = options.Get(name);
  return value.IsString() ? value.As<Napi::String>().Utf16Value() : std::u16string();
}

bool ReadFlag(const Napi::Object& options, const char* name, bool otherwise) {
  const Napi::Value value = options.Get(name);
  return value.IsBoolean() ? value.As<Napi::Boolean>().Value() : otherwise;
}

}  // namespace

class HttpQueueObject final : public Napi::ObjectWrap<HttpQueueObject> {
 public:
  static void Define(Napi::Env env, Napi::Object exports) {
    exports.Set("HttpQueue", DefineClass(env, "HttpQueue",
                                         {
                                             InstanceMethod<&HttpQueueObject::AddUrl>("addUrl"),
                                             InstanceMethod<&HttpQueueObject::RemoveUrls>("removeUrls"),
                                             InstanceMethod<&HttpQueueObject::SetOptions>("setOptions"),
                                             InstanceMethod<&HttpQueueObject::Unsupported>("unsupported"),
                                             InstanceMethod<&HttpQueueObject::Start>("start"),
                                             InstanceMethod<&HttpQueueObject::Submit>("submit"),
                                             InstanceMethod<&HttpQueueObject::FlushCache>("flushCache"),
                                             InstanceMethod<&HttpQueueObject::QueryState>("queryState"),
                                             InstanceMethod<&HttpQueueObject::Close>("close"),
                                             InstanceMethod<&HttpQueueObject::RefLoop>("ref"),
                                             InstanceMethod<&HttpQueueObject::UnrefLoop>("unref"),
                                         }));
  }

  explicit HttpQueueObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<HttpQueueObject>(info) {
    Napi::Env env = info.Env();
    if (!info[0].IsObject() || !info[1].IsFunction() || !info[2].IsFunction()) {
      Napi::TypeError::New(env, "HttpQueue takes options, onBatch and onEvent").ThrowAsJavaScriptException();
      return;
    }
    const Napi::Object options = info[0].As<Napi::Object>();
    auto core = std::make_unique<QueueCore>();
    core->env = env;
    core->endsWithProcess = ReadFlag(options, "endsWithProcess", true);
    uv_loop_t* loop = nullptr;
    if (napi_get_uv_event_loop(env, &loop) != napi_ok ||
        uv_async_init(loop, &core->wake, [](uv_async_t* handle) { static_cast<QueueCore*>(handle->data)->collect(); }) != 0) {
      Napi::Error::New(env, "this environment has no event loop").ThrowAsJavaScriptException();
      return;
    }
    core->wake.data = core.get();
    core->wakeOpen = true;
    // From here on the loop knows the object: it goes the way of `finish`.
    core_ = core.release();
    core_->holder = &core_;
    driver::Driver::Options made;
    made.name = ReadText(options, "name");
    made.security = ReadText(options, "security");
    made.mode = ReadFlag(options, "attach", false) ? driver::QueueMode::kAttach : driver::QueueMode::kCreate;
    if (ReadFlag(options, "controller", false)) made.mode = driver::QueueMode::kControl;
    const int64_t receives = ReadSetting(options, "pendingReceives");
    made.pendingReceives = receives > 0 ? static_cast<uint32_t>(receives) : 0;
    uv_async_t* const wake = &core_->wake;
    made.wake = [wake] { uv_async_send(wake); };
    driver::DriverError error;
    core_->driver = driver::Driver::create(std::move(made), &error);
    if (core_->driver == nullptr) {
      core_->finish();
      core_->letGo();
      ThrowDriver(env, error);
      return;
    }
    core_->listener = std::make_unique<BatchListener>(env, info[1].As<Napi::Function>());
    core_->context = std::make_unique<Napi::AsyncContext>(env, "httpsys");
    core_->receiver = Napi::Persistent(Napi::Object::New(env));
    core_->onEvent = Napi::Persistent(info[2].As<Napi::Function>());
    napi_add_async_cleanup_hook(env, onCleanup, core_, &core_->hook);
  }

  // Nobody holds the object any more, and nobody has closed it.
  ~HttpQueueObject() override {
    if (core_ == nullptr) return;
    core_->silent = true;
    core_->close();
  }

 private:
  // The driver, or null with an exception when the queue was closed.
  driver::Driver* Open(Napi::Env env) {
    if (core_ != nullptr) return core_->driver.get();
    Napi::Error::New(env, "The queue is closed").ThrowAsJavaScriptException();
    return nullptr;
  }

  Napi::Value AddUrl(const Napi::CallbackInfo& info) {
    driver::DriverError error;
    driver::Driver* driver = Open(info.Env());
    if (driver == nullptr) return info.Env().Undefined();
    if (!driver->addUrl(info[0].ToString().Utf16Value(), info[1].ToNumber().Uint32Value(), &error)) ThrowDriver(info.Env(), error);
    return info.Env().Undefined();
  }

  Napi::Value RemoveUrls(const Napi::CallbackInfo& info) {
    if (driver::Driver* driver = Open(info.Env())) driver->removeUrls();
    return info.Env().Undefined();
  }

  Napi::Value SetOptions(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    driver::Driver* driver = Open(env);
    if (driver == nullptr) return env.Undefined();
    const Napi::Object options = info[0].ToObject();
    driver::QueueSettings settings;
    settings.queueLength = ReadSetting(options, "queueLength");
    settings.verbosity503 = ReadSetting(options, "verbosity503");
    settings.maxRequestBodyBytes = ReadSetting(options, "maxRequestBodyBytes");
    settings.maxConnections = ReadSetting(options, "maxConnections");
    settings.maxBandwidth = ReadSetting(options, "maxBandwidth");
    settings.entityBody = ReadSetting(options, "entityBody");
    settings.drainEntityBody = ReadSetting(options, "drainEntityBody");
    settings.requestQueue = ReadSetting(options, "requestQueue");
    settings.idleConnection = ReadSetting(options, "idleConnection");
    settings.headerWait = ReadSetting(options, "headerWait");
    settings.minSendRate = ReadSetting(options, "minSendRate");
    settings.authSchemes = ReadSetting(options, "authSchemes");
    settings.realm = ReadText(options, "realm");
    settings.domain = ReadText(options, "domain");
    settings.allowAnonymous = ReadFlag(options, "allowAnonymous", true);
    settings.bufferData = ReadFlag(options, "bufferData", false);
    settings.clientCertificate = ReadFlag(options, "clientCertificate", false);
    if (options.Get("enabled").IsBoolean()) settings.enabled = ReadFlag(options, "enabled", true) ? 1 : 0;
    if (env.IsExceptionPending()) return env.Undefined();
    driver::DriverError error;
    if (!driver->apply(settings, &error)) ThrowDriver(env, error);
    return env.Undefined();
  }

  // Names of settings that this system does not know.
  Napi::Value Unsupported(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    driver::Driver* driver = Open(env);
    if (driver == nullptr) return env.Undefined();
    const std::vector<const char*> unsupported = driver->unsupported();
    Napi::Array names = Napi::Array::New(env, unsupported.size());
    for (uint32_t i = 0; i < unsupported.size(); ++i) names.Set(i, unsupported[i]);
    return names;
  }

  Napi::Value Start(const Napi::CallbackInfo& info) {
    if (driver::Driver* driver = Open(info.Env())) driver->start(info[0].ToNumber().Uint32Value());
    return info.Env().Undefined();
  }

  // False when the driver is that far behind that it takes no more.
  Napi::Value Submit(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    driver::Driver* driver = Open(env);
    if (driver == nullptr) return env.Undefined();
    uint8_t* data;
    size_t capacity;
    const int64_t length = info[1].ToNumber().Int64Value();
    if (!ReadBytes(info[0], &data, &capacity) || length < 0 || static_cast<uint64_t>(length) > capacity) {
      Napi::TypeError::New(env, "submit takes a Uint8Array and a length within it").ThrowAsJavaScriptException();
      return env.Undefined();
    }
    return Napi::Boolean::New(env, driver->submit(data, static_cast<size_t>(length)));
  }

  Napi::Value FlushCache(const Napi::CallbackInfo& info) {
    if (driver::Driver* driver = Open(info.Env())) {
      driver->flushCache(info[0].ToNumber().Uint32Value(), info[1].ToString().Utf16Value(), info[2].ToBoolean().Value());
    }
    return info.Env().Undefined();
  }

  Napi::Value QueryState(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    driver::Driver* driver = Open(env);
    if (driver == nullptr) return env.Undefined();
    const driver::QueueCounters now = driver->counters();
    Napi::Object state = Napi::Object::New(env);
    const auto put = [&](const char* name, uint64_t value) { state.Set(name, Napi::Number::New(env, static_cast<double>(value))); };
    put("requests", now.requests);
    put("inFlight", now.inFlight);
    put("connections", now.connections);
    put("bytesIn", now.bytesIn);
    put("bytesOut", now.bytesOut);
    put("informationalDropped", now.informationalDropped);
    put("rejected", now.rejected);
    put("handles", driver::Driver::handleCount());
    return state;
  }

  // The `kClosed` event follows.
  Napi::Value Close(const Napi::CallbackInfo& info) {
    if (core_ != nullptr) core_->close();
    return info.Env().Undefined();
  }

  Napi::Value RefLoop(const Napi::CallbackInfo& info) {
    if (Open(info.Env()) != nullptr) uv_ref(reinterpret_cast<uv_handle_t*>(&core_->wake));
    return info.Env().Undefined();
  }

  Napi::Value UnrefLoop(const Napi::CallbackInfo& info) {
    if (Open(info.Env()) != nullptr) uv_unref(reinterpret_cast<uv_handle_t*>(&core_->wake));
    return info.Env().Undefined();
  }

  QueueCore* core_ = nullptr;
};

void DefineHttpQueue(Napi::Env env, Napi::Object exports) {
  HttpQueueObject::Define(env, exports);
  exports.Set("freePort", Napi::Function::New(
                              env, [](const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), driver::Driver::freePort()); },
                              "freePort"));
  exports.Set("httpFeatures", Napi::Function::New(
                                  env,
                                  [](const Napi::CallbackInfo& info) -> Napi::Value {
                                    driver::DriverError error;
                                    const std::vector<driver::Feature> features = driver::features(&error);
                                    if (features.empty()) {
                                      ThrowDriver(info.Env(), error);
                                      return info.Env().Undefined();
                                    }
                                    Napi::Object names = Napi::Object::New(info.Env());
                                    for (const driver::Feature& one : features) names.Set(one.name, one.available);
                                    return names;
                                  },
                                  "httpFeatures"));
}

}  // namespace binding
}  // namespace httpsys
