// The `HttpQueue` class of the addon on Windows: one request queue of HTTP.SYS (src/carriers/httpsys.ts).
#pragma once

#include <napi.h>

namespace httpsys {
namespace binding {

// Adds `HttpQueue`, `httpFeatures` and `freePort` to the exports.
void DefineHttpQueue(Napi::Env env, Napi::Object exports);

}  // namespace binding
}  // namespace httpsys
