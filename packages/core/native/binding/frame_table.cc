#include "binding/frame_table.h"

#include "common/frames.h"
#include "common/header_names.h"
#include "common/http_methods.h"

namespace httpsys {
namespace binding {

namespace {

struct Named {
  const char* name;
  uint32_t value;
};

// Every constant of frames.h by its name there, of which the `k` is left out in TypeScript.
#define HTTPSYS_NAMED(constant) \
  { #constant, static_cast<uint32_t>(frames::constant) }
constexpr Named kConstants[] = {
    HTTPSYS_NAMED(kProtocolMajor),
    HTTPSYS_NAMED(kProtocolMinor),
    HTTPSYS_NAMED(kMinorWithDetached),
    HTTPSYS_NAMED(kMinorWithFiles),
    HTTPSYS_NAMED(kMinorWithFragments),
    HTTPSYS_NAMED(kMinorWithWideWindows),
    HTTPSYS_NAMED(kHeaderBytes),
    HTTPSYS_NAMED(kFrameBytesMax),
    HTTPSYS_NAMED(kBodyWindowBytes),
    HTTPSYS_NAMED(kResponseWindowBytes),
    HTTPSYS_NAMED(kWideWindowBytes),
    HTTPSYS_NAMED(kAttachKeyBytes),
    HTTPSYS_NAMED(kClientErrorBytes),
    HTTPSYS_NAMED(kRawBytesMax),
    HTTPSYS_NAMED(kFilePathBytesMax),
    HTTPSYS_NAMED(kFragmentNameBytesMax),
    HTTPSYS_NAMED(kConnection),
    HTTPSYS_NAMED(kRequest),
    HTTPSYS_NAMED(kBody),
    HTTPSYS_NAMED(kBodyEnd),
    HTTPSYS_NAMED(kAborted),
    HTTPSYS_NAMED(kConnectionClosed),
    HTTPSYS_NAMED(kAttached),
    HTTPSYS_NAMED(kClientError),
    HTTPSYS_NAMED(kDropped),
    HTTPSYS_NAMED(kRequestFacts),
    HTTPSYS_NAMED(kDetached),
    HTTPSYS_NAMED(kFragmentUsed),
    HTTPSYS_NAMED(kFragmentAdded),
    HTTPSYS_NAMED(kBlockTls),
    HTTPSYS_NAMED(kBlockServerName),
    HTTPSYS_NAMED(kBlockClientCertificate),
    HTTPSYS_NAMED(kBlockVersion),
    HTTPSYS_NAMED(kBlockUser),
    HTTPSYS_NAMED(kBlockFile),
    HTTPSYS_NAMED(kBlockFragment),
    HTTPSYS_NAMED(kCredit),
    HTTPSYS_NAMED(kOpaque),
    HTTPSYS_NAMED(kAttach),
    HTTPSYS_NAMED(kResponse),
    HTTPSYS_NAMED(kInformational),
    HTTPSYS_NAMED(kData),
    HTTPSYS_NAMED(kEnd),
    HTTPSYS_NAMED(kCancel),
    HTTPSYS_NAMED(kCloseConnections),
    HTTPSYS_NAMED(kDetach),
    HTTPSYS_NAMED(kRaw),
    HTTPSYS_NAMED(kAddFragment),
    HTTPSYS_NAMED(kHello),
    HTTPSYS_NAMED(kOpenQueue),
    HTTPSYS_NAMED(kAddUrl),
    HTTPSYS_NAMED(kRemoveUrl),
    HTTPSYS_NAMED(kSetProperty),
    HTTPSYS_NAMED(kFlushCache),
    HTTPSYS_NAMED(kQueryState),
    HTTPSYS_NAMED(kCloseQueue),
    HTTPSYS_NAMED(kReply),
    HTTPSYS_NAMED(kConnectionEncrypted),
    HTTPSYS_NAMED(kRequestEnd),
    HTTPSYS_NAMED(kRequestKeepAlive),
    HTTPSYS_NAMED(kRequestHttp10),
    HTTPSYS_NAMED(kRequestExpectContinue),
    HTTPSYS_NAMED(kRequestUpgrade),
    HTTPSYS_NAMED(kRequestChunked),
    HTTPSYS_NAMED(kRequestExpectOther),
    HTTPSYS_NAMED(kRequestUnstorable),
    HTTPSYS_NAMED(kRequestWideWindow),
    HTTPSYS_NAMED(kBodyIsLast),
    HTTPSYS_NAMED(kResponseEnd),
    HTTPSYS_NAMED(kResponsePolicy),
    HTTPSYS_NAMED(kResponseNoDate),
    HTTPSYS_NAMED(kResponseClose),
    HTTPSYS_NAMED(kResponseOpaque),
    HTTPSYS_NAMED(kResponseNoConnection),
    HTTPSYS_NAMED(kResponseUntilClose),
    HTTPSYS_NAMED(kResponseStays),
    HTTPSYS_NAMED(kDataEnd),
    HTTPSYS_NAMED(kEndKeepBody),
    HTTPSYS_NAMED(kOpaqueIsLast),
    HTTPSYS_NAMED(kOpaqueClose),
    HTTPSYS_NAMED(kRawIsLast),
    HTTPSYS_NAMED(kCloseIdle),
    HTTPSYS_NAMED(kCloseAll),
    HTTPSYS_NAMED(kAbortClientClosed),
    HTTPSYS_NAMED(kAbortClientReset),
    HTTPSYS_NAMED(kAbortTimeout),
    HTTPSYS_NAMED(kAbortMalformedBody),
    HTTPSYS_NAMED(kAbortResponse),
    HTTPSYS_NAMED(kAbortEngine),
    HTTPSYS_NAMED(kClientErrorOther),
    HTTPSYS_NAMED(kClientErrorMethod),
    HTTPSYS_NAMED(kClientErrorUrl),
    HTTPSYS_NAMED(kClientErrorVersion),
    HTTPSYS_NAMED(kClientErrorLineEnd),
    HTTPSYS_NAMED(kClientErrorHeader),
    HTTPSYS_NAMED(kClientErrorHeaderOverflow),
    HTTPSYS_NAMED(kClientErrorContentLength),
    HTTPSYS_NAMED(kClientErrorTransferEncoding),
    HTTPSYS_NAMED(kClientErrorChunk),
    HTTPSYS_NAMED(kClientErrorRepeatedLength),
    HTTPSYS_NAMED(kClientErrorEof),
    HTTPSYS_NAMED(kClientErrorTimeout),
    HTTPSYS_NAMED(kClientErrorReset),
    HTTPSYS_NAMED(kClientErrorLineFeed),
    HTTPSYS_NAMED(kClientErrorChunkExtensions),
    HTTPSYS_NAMED(kFragmentSent),
    HTTPSYS_NAMED(kFragmentMissing),
    HTTPSYS_NAMED(kFragmentStored),
    HTTPSYS_NAMED(kFragmentInvalid),
    HTTPSYS_NAMED(kFragmentTooLarge),
    HTTPSYS_NAMED(kFragmentFailed),
    HTTPSYS_NAMED(kPolicyNone),
    HTTPSYS_NAMED(kPolicyTimeToLive),
    HTTPSYS_NAMED(kPolicyUntilFlushed),
};
#undef HTTPSYS_NAMED

template <typename Names>
Napi::Array NameList(Napi::Env env, const Names& names) {
  Napi::Array list = Napi::Array::New(env, names.size());
  for (uint32_t i = 0; i < names.size(); ++i) list.Set(i, Napi::String::New(env, names[i].data(), names[i].size()));
  return list;
}

}  // namespace

Napi::Value FrameTable(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::Object table = Napi::Object::New(env);
  for (const Named& one : kConstants) table.Set(one.name + 1, Napi::Number::New(env, one.value));
  // Position 0 of each list is "none" or "other".
  table.Set("headerNames", NameList(env, names::kCanonical));
  table.Set("headerNamesLower", NameList(env, names::kLower));
  table.Set("methods", NameList(env, methods::kNames));
  return table;
}

}  // namespace binding
}  // namespace httpsys
