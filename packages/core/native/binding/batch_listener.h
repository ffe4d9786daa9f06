// The application's end of a channel inside this process: its function, and the buffer that is lent to it for each batch.
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace httpsys {
namespace binding {

// The bytes of a Uint8Array; false for anything else.
bool ReadBytes(const Napi::Value& value, uint8_t** data, size_t* length);

// One call into JavaScript, with nextTick and promise jobs behind it. What it throws becomes an uncaught exception, as from any callback.
void CallBack(Napi::Env env, const Napi::AsyncContext& context, const Napi::ObjectReference& receiver, const Napi::FunctionReference& function,
              size_t count, const napi_value* arguments);

class BatchListener {
 public:
  BatchListener(Napi::Env env, Napi::Function listener);
  void deliver(napi_env env, std::string_view batch);

 private:
  Napi::AsyncContext context_;
  Napi::FunctionReference onBatch_;
  Napi::ObjectReference receiver_;
  Napi::ObjectReference inbox_;
};

}  // namespace binding
}  // namespace httpsys
