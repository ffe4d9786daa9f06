// System calls that the service needs and Node does not offer.
#pragma once

#include <napi.h>

namespace httpsys {
namespace binding {

Napi::Value LockFile(const Napi::CallbackInfo& info);
Napi::Value PeerCredentials(const Napi::CallbackInfo& info);

}  // namespace binding
}  // namespace httpsys
