// The C++ side of the frame tables, for the test that compares them with TypeScript's.
#pragma once

#include <napi.h>

namespace httpsys {
namespace binding {

Napi::Value FrameTable(const Napi::CallbackInfo& info);

}  // namespace binding
}  // namespace httpsys
