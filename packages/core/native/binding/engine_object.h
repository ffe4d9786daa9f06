// The `Engine` class of the addon.
#pragma once

#include <napi.h>

#include <memory>
#include <string>
#include <string_view>

#include "portable/engine.h"

namespace httpsys {
namespace binding {

class EngineObject final : public Napi::ObjectWrap<EngineObject> {
 public:
  static void Define(Napi::Env env, Napi::Object exports);
  explicit EngineObject(const Napi::CallbackInfo& info);
  ~EngineObject() override;

 private:
  // What outlives the JavaScript object until the loop has let go of every handle.
  struct Core {
    napi_env env = nullptr;
    EngineObject* owner = nullptr;
    std::unique_ptr<Engine> engine;
    napi_async_cleanup_hook_handle hook = nullptr;
    bool closed = false;
    void close();
  };

  Napi::Value Listen(const Napi::CallbackInfo& info);
  Napi::Value ListenAlone(const Napi::CallbackInfo& info);
  Napi::Value Unlisten(const Napi::CallbackInfo& info);
  Napi::Value SetUrls(const Napi::CallbackInfo& info);
  Napi::Value OpenQueue(const Napi::CallbackInfo& info);
  Napi::Value SetQueueOptions(const Napi::CallbackInfo& info);
  Napi::Value CloseQueue(const Napi::CallbackInfo& info);
  Napi::Value AllowAttach(const Napi::CallbackInfo& info);
  Napi::Value RevokeAttach(const Napi::CallbackInfo& info);
  Napi::Value Attach(const Napi::CallbackInfo& info);
  Napi::Value Submit(const Napi::CallbackInfo& info);
  Napi::Value Detach(const Napi::CallbackInfo& info);
  Napi::Value FlushCache(const Napi::CallbackInfo& info);
  Napi::Value QueryState(const Napi::CallbackInfo& info);
  Napi::Value RefLoop(const Napi::CallbackInfo& info);
  Napi::Value UnrefLoop(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  // The engine, or null with an exception when it was closed.
  Engine* Open(Napi::Env env);

  Core* core_ = nullptr;
};

}  // namespace binding
}  // namespace httpsys
