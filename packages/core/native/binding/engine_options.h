// Options and tables that JavaScript hands to the engine, read with their ranges checked.
#pragma once

#include <napi.h>

#include <vector>

#include "portable/engine.h"

namespace httpsys {
namespace binding {

// False: an exception is pending.
bool ReadEngineOptions(Napi::Env env, const Napi::Value& value, EngineOptions* options);
// Absent properties keep what `options` holds.
bool ReadQueueOptions(Napi::Env env, const Napi::Value& value, QueueOptions* options);
bool ReadLoneAddress(Napi::Env env, const Napi::Value& value, LoneAddress* where);
bool ReadUrls(Napi::Env env, const Napi::Value& value, std::vector<UrlEntry>* urls);

}  // namespace binding
}  // namespace httpsys
