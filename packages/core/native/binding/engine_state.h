// `queryState`: the engine's counters as a plain object.
#pragma once

#include <napi.h>

#include "portable/engine_state.h"

namespace httpsys {
namespace binding {

Napi::Object StateToObject(Napi::Env env, const EngineState& state);

}  // namespace binding
}  // namespace httpsys
