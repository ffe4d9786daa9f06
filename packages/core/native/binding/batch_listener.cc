#include "binding/batch_listener.h"

#include <cstring>

namespace httpsys {
namespace binding {

namespace {

// The inbox begins with room for many small requests and grows to the largest batch; it never shrinks.
constexpr size_t kInboxBytes = 256 * 1024;

}  // namespace

bool ReadBytes(const Napi::Value& value, uint8_t** data, size_t* length) {
  if (!value.IsTypedArray()) return false;
  napi_typedarray_type type;
  void* bytes = nullptr;
  size_t count = 0;
  if (napi_get_typedarray_info(value.Env(), value, &type, &count, &bytes, nullptr, nullptr) != napi_ok || type != napi_uint8_array) return false;
  *data = static_cast<uint8_t*>(bytes);
  *length = count;
  return true;
}

void CallBack(Napi::Env env, const Napi::AsyncContext& context, const Napi::ObjectReference& receiver, const Napi::FunctionReference& function,
              size_t count, const napi_value* arguments) {
  napi_value result;
  if (napi_make_callback(env, context, receiver.Value(), function.Value(), count, arguments, &result) == napi_ok) return;
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (!pending) return;
  napi_value error;
  napi_get_and_clear_last_exception(env, &error);
  napi_fatal_exception(env, error);
}

BatchListener::BatchListener(Napi::Env env, Napi::Function listener)
    : context_(env, "httpsys"), onBatch_(Napi::Persistent(listener)), receiver_(Napi::Persistent(Napi::Object::New(env))) {}

void BatchListener::deliver(napi_env raw, std::string_view batch) {
  const Napi::Env env(raw);
  Napi::HandleScope scope(env);
  uint8_t* data = nullptr;
  size_t capacity = 0;
  Napi::Value view = inbox_.IsEmpty() ? Napi::Value() : Napi::Value(inbox_.Value());
  // An inbox that JavaScript has transferred away has no bytes any more.
  if (view.IsEmpty() || !ReadBytes(view, &data, &capacity) || capacity < batch.size()) {
    size_t wanted = kInboxBytes;
    while (wanted < batch.size()) wanted *= 2;
    Napi::Uint8Array fresh = Napi::Uint8Array::New(env, wanted);
    inbox_ = Napi::Persistent(static_cast<Napi::Object>(fresh));
    view = fresh;
    data = fresh.Data();
  }
  std::memcpy(data, batch.data(), batch.size());
  const napi_value arguments[2] = {view, Napi::Number::New(env, static_cast<double>(batch.size()))};
  CallBack(env, context_, receiver_, onBatch_, 2, arguments);
}

}  // namespace binding
}  // namespace httpsys
