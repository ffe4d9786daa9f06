#include "binding/engine_state.h"

namespace httpsys {
namespace binding {

namespace {

// Layout of the answer; readers skip what they do not know.
constexpr uint32_t kStateVersion = 1;

void Put(Napi::Object object, const char* name, uint64_t value) { object.Set(name, static_cast<double>(value)); }

}  // namespace

Napi::Object StateToObject(Napi::Env env, const EngineState& state) {
  Napi::Object out = Napi::Object::New(env);
  Put(out, "version", kStateVersion);
  out.Set("uptimeSeconds", static_cast<double>(state.uptimeMs) / 1000);
  Put(out, "threads", state.threads);
  Put(out, "connections", state.connections);
  Put(out, "accepted", state.accepted);
  Put(out, "requests", state.requests);
  Put(out, "bytesIn", state.bytesIn);
  Put(out, "bytesOut", state.bytesOut);

  Napi::Object cache = Napi::Object::New(env);
  Put(cache, "hits", state.hits);
  Put(cache, "misses", state.cache.misses);
  Put(cache, "stores", state.cache.stores);
  Put(cache, "evictions", state.cache.evictions);
  Put(cache, "expirations", state.cache.expirations);
  Put(cache, "flushes", state.cache.flushes);
  Put(cache, "bytes", state.cache.bytes);
  Put(cache, "entries", state.cache.entries);
  out.Set("cache", cache);

  Napi::Object rejections = Napi::Object::New(env);
  for (const auto& [reason, count] : state.rejections) Put(rejections, reason.c_str(), count);
  out.Set("rejections", rejections);

  Napi::Array queues = Napi::Array::New(env, state.queues.size());
  for (uint32_t i = 0; i < state.queues.size(); ++i) {
    const QueueState& one = state.queues[i];
    Napi::Object queue = Napi::Object::New(env);
    Put(queue, "id", one.id);
    Put(queue, "depth", one.depth);
    Put(queue, "attached", one.attached);
    Put(queue, "connections", one.connections);
    queue.Set("enabled", one.enabled);
    Put(queue, "requests", one.requests);
    Put(queue, "hits", one.hits);
    Put(queue, "inFlight", one.inFlight);
    Put(queue, "upgraded", one.upgraded);
    Put(queue, "bytesOut", one.bytesOut);
    queues.Set(i, queue);
  }
  out.Set("queues", queues);

  Napi::Array urls = Napi::Array::New(env, state.urls.size());
  for (uint32_t i = 0; i < state.urls.size(); ++i) {
    const UrlState& one = state.urls[i];
    Napi::Object url = Napi::Object::New(env);
    Put(url, "queueId", one.queueId);
    Put(url, "urlContext", one.urlContext);
    Put(url, "requests", one.requests);
    Put(url, "hits", one.hits);
    urls.Set(i, url);
  }
  out.Set("urls", urls);
  return out;
}

}  // namespace binding
}  // namespace httpsys
