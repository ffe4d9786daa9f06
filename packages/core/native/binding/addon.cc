// The addon's exports: the engine class and the few calls the service needs beside it (src/carriers/native.ts).
#include <napi.h>

#include "binding/engine_object.h"
#include "binding/frame_table.h"
#include "binding/http_queue_object.h"
#include "binding/process_calls.h"

namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  httpsys::binding::EngineObject::Define(env, exports);
  exports.Set("frameTable", Napi::Function::New(env, httpsys::binding::FrameTable, "frameTable"));
  exports.Set("lockFile", Napi::Function::New(env, httpsys::binding::LockFile, "lockFile"));
  exports.Set("peerCredentials", Napi::Function::New(env, httpsys::binding::PeerCredentials, "peerCredentials"));
#ifdef _WIN32
  httpsys::binding::DefineHttpQueue(env, exports);
#endif
  return exports;
}

}  // namespace

NODE_API_MODULE(httpsys, Init)
