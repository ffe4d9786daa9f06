#include "binding/engine_options.h"

#include <algorithm>
#include <string>

#include "portable/limits.h"

namespace httpsys {
namespace binding {

namespace {

bool Fail(Napi::Env env, const std::string& why) {
  Napi::RangeError::New(env, why).ThrowAsJavaScriptException();
  return false;
}

// Leaves `*out` alone when the property is absent.
template <typename T>
bool ReadNumber(Napi::Env env, const Napi::Object& object, const char* name, double min, double max, T* out) {
  const Napi::Value value = object.Get(name);
  if (env.IsExceptionPending()) return false;
  if (value.IsUndefined()) return true;
  if (!value.IsNumber()) return Fail(env, std::string(name) + " must be a number");
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= min && number <= max)) {
    return Fail(env, std::string(name) + " must be from " + std::to_string(static_cast<long long>(min)) + " to " +
                         std::to_string(static_cast<long long>(max)));
  }
  *out = static_cast<T>(number);
  return true;
}

bool ReadString(Napi::Env env, const Napi::Object& object, const char* name, std::string* out) {
  const Napi::Value value = object.Get(name);
  if (env.IsExceptionPending()) return false;
  if (!value.IsString()) return Fail(env, std::string(name) + " must be a string");
  *out = value.As<Napi::String>().Utf8Value();
  return true;
}

// A header value travels with a length of 16 bits, so a head may not be longer.
constexpr double kHeadBytesMax = 65535;

bool ReadFlag(Napi::Env env, const Napi::Object& object, const char* name, bool* out) {
  const Napi::Value value = object.Get(name);
  if (env.IsExceptionPending()) return false;
  if (!value.IsUndefined()) *out = value.ToBoolean().Value();
  return true;
}

}  // namespace

bool ReadEngineOptions(Napi::Env env, const Napi::Value& value, EngineOptions* options) {
  if (!value.IsObject()) return Fail(env, "options must be an object");
  const Napi::Object object = value.As<Napi::Object>();
  std::string mode;
  if (!ReadString(env, object, "mode", &mode)) return false;
  if (mode == "loop") {
    if (napi_get_uv_event_loop(env, &options->loop) != napi_ok) return Fail(env, "this environment has no event loop");
  } else if (mode != "threads") {
    return Fail(env, "mode must be 'loop' or 'threads'");
  }
  const Napi::Value paths = object.Get("socketPaths");
  if (env.IsExceptionPending()) return false;
  if (paths.IsArray()) {
    const Napi::Array list = paths.As<Napi::Array>();
    for (uint32_t i = 0; i < list.Length() && i < limits::kThreadsMax; ++i) {
      const Napi::Value path = list.Get(i);
      if (!path.IsString()) return Fail(env, "socketPaths must be strings");
      options->socketPaths.push_back(path.As<Napi::String>().Utf8Value());
    }
  }
  constexpr double kHeadBytesMin = 256;
  return ReadNumber(env, object, "threads", 1, limits::kThreadsMax, &options->threads) &&
         ReadNumber(env, object, "cacheBytes", 0, 1e12, &options->cache.totalBytes) &&
         ReadNumber(env, object, "maxConnections", 1, limits::kSlotMax, &options->maxConnections) &&
         ReadNumber(env, object, "requestLineBytes", kHeadBytesMin, kHeadBytesMax, &options->parser.requestLineBytes) &&
         ReadNumber(env, object, "headerBytes", kHeadBytesMin, kHeadBytesMax, &options->parser.headerBytes) &&
         ReadNumber(env, object, "headerCount", 1, kHeadBytesMax, &options->parser.headerCount);
}

bool ReadQueueOptions(Napi::Env env, const Napi::Value& value, QueueOptions* options) {
  if (value.IsUndefined()) return true;
  if (!value.IsObject()) return Fail(env, "options must be an object");
  const Napi::Object object = value.As<Napi::Object>();
  if (!ReadFlag(env, object, "enabled", &options->enabled)) return false;
  constexpr double kSecondsMax = 65535;
  return ReadNumber(env, object, "queueLength", 1, 1000000, &options->queueLength) &&
         ReadNumber(env, object, "maxRequestBodyBytes", 0, 9007199254740991.0, &options->maxRequestBodyBytes) &&
         ReadNumber(env, object, "maxConnections", 0, 4294967295.0, &options->maxConnections) &&
         ReadNumber(env, object, "entityBody", -1, kSecondsMax, &options->entityBody) &&
         ReadNumber(env, object, "drainEntityBody", -1, kSecondsMax, &options->drainEntityBody) &&
         ReadNumber(env, object, "requestQueue", -1, kSecondsMax, &options->requestQueue) &&
         ReadNumber(env, object, "idleConnection", -1, kSecondsMax, &options->idleConnection) &&
         ReadNumber(env, object, "headerWait", -1, kSecondsMax, &options->headerWait) &&
         ReadNumber(env, object, "minSendRate", -1, 4294967295.0, &options->minSendRate) &&
         ReadNumber(env, object, "cacheEntryBytes", 0, limits::kCacheEntryBytesMax, &options->cacheEntryBytes) &&
         ReadNumber(env, object, "idleGrace", 0, kSecondsMax, &options->idleGrace) &&
         ReadNumber(env, object, "wholeRequest", -1, kSecondsMax, &options->wholeRequest) &&
         ReadNumber(env, object, "headBytes", 0, kHeadBytesMax, &options->headBytes) &&
         ReadFlag(env, object, "requireHost", &options->requireHost) && ReadFlag(env, object, "requireLength", &options->requireLength) &&
         ReadFlag(env, object, "emptyHost", &options->emptyHost) && ReadFlag(env, object, "halfClose", &options->halfClose) &&
         ReadFlag(env, object, "clientErrors", &options->clientErrors) && ReadFlag(env, object, "connections", &options->connections);
}

bool ReadLoneAddress(Napi::Env env, const Napi::Value& value, LoneAddress* where) {
  if (!value.IsObject()) return Fail(env, "where must be an object");
  const Napi::Object object = value.As<Napi::Object>();
  int32_t descriptor = -1;
  if (!object.Get("path").IsUndefined() && !ReadString(env, object, "path", &where->path)) return false;
  if (!object.Get("host").IsUndefined() && !ReadString(env, object, "host", &where->host)) return false;
  if (!ReadNumber(env, object, "fd", 0, 2147483647.0, &descriptor) || !ReadNumber(env, object, "port", 0, 65535, &where->port)) return false;
  if (descriptor >= 0) where->descriptor = static_cast<Socket>(descriptor);
  where->duplicate = object.Get("duplicate").ToBoolean().Value();
  where->ipv6Only = object.Get("ipv6Only").ToBoolean().Value();
  where->reusePort = object.Get("reusePort").ToBoolean().Value();
  return !env.IsExceptionPending();
}

bool ReadUrls(Napi::Env env, const Napi::Value& value, std::vector<UrlEntry>* urls) {
  if (!value.IsArray()) return Fail(env, "urls must be an array");
  const Napi::Array list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); ++i) {
    const Napi::Value item = list.Get(i);
    if (!item.IsObject()) return Fail(env, "urls must be objects");
    const Napi::Object object = item.As<Napi::Object>();
    UrlEntry entry;
    uint8_t kind = 0;
    entry.https = object.Get("https").ToBoolean().Value();
    if (!ReadNumber(env, object, "hostKind", 0, 3, &kind) || !ReadString(env, object, "host", &entry.host) ||
        !ReadNumber(env, object, "port", 1, 4294967295.0, &entry.port) || !ReadString(env, object, "path", &entry.path) ||
        !ReadNumber(env, object, "queueId", 1, 4294967295.0, &entry.queueId) ||
        !ReadNumber(env, object, "urlContext", 0, 4294967295.0, &entry.urlContext)) {
      return false;
    }
    if (entry.path.empty() || entry.path.front() != '/' || entry.path.back() != '/') return Fail(env, "path must begin and end with '/'");
    entry.kind = static_cast<HostKind>(kind);
    urls->push_back(std::move(entry));
  }
  return true;
}

}  // namespace binding
}  // namespace httpsys
