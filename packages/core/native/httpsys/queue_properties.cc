// Settings of a queue in the terms of the API: properties of the queue and of its URL groups (http-server-api.md section 8).
#include <algorithm>
#include <utility>

#include "httpsys/http_functions.h"
#include "httpsys/request_queue.h"

namespace httpsys {
namespace driver {

namespace {

// Wine answers 120, systems without a property 50: a setting that is not known here is no reason not to listen.
bool notKnown(const DriverError& error) { return error.code == ERROR_CALL_NOT_IMPLEMENTED || error.code == ERROR_NOT_SUPPORTED; }

bool anyTimeout(const QueueSettings& s) {
  return s.entityBody >= 0 || s.drainEntityBody >= 0 || s.requestQueue >= 0 || s.idleConnection >= 0 || s.headerWait >= 0 || s.minSendRate >= 0;
}

USHORT seconds(int64_t value) { return static_cast<USHORT>(std::max<int64_t>(value, 0)); }

}  // namespace

bool RequestQueue::setOnQueue(HTTP_SERVER_PROPERTY property, void* value, ULONG bytes, DriverError* error) {
  const ULONG code = functions().SetRequestQueueProperty(handle_, property, value, bytes, 0, nullptr);
  if (code == NO_ERROR) return true;
  error->code = code;
  error->function = "HttpSetRequestQueueProperty";
  return false;
}

// A setting that is not known here is remembered for whoever asks, and counts as done.
bool RequestQueue::tolerate(bool done, const char* name, const DriverError& error) {
  if (done) return true;
  if (!notKnown(error)) return false;
  unsupported_.push_back(name);
  return true;
}

bool RequestQueue::applyToQueue(const QueueSettings& s, DriverError* error) {
  if (s.queueLength >= 0) {
    ULONG length = static_cast<ULONG>(s.queueLength);
    if (!tolerate(setOnQueue(HttpServerQueueLengthProperty, &length, sizeof length, error), "queueLength", *error)) return false;
  }
  if (s.enabled >= 0) {
    HTTP_ENABLED_STATE state = s.enabled != 0 ? HttpEnabledStateActive : HttpEnabledStateInactive;
    if (!tolerate(setOnQueue(HttpServerStateProperty, &state, sizeof state, error), "enabled", *error)) return false;
  }
  if (s.verbosity503 >= 0) {
    HTTP_503_RESPONSE_VERBOSITY verbosity = static_cast<HTTP_503_RESPONSE_VERBOSITY>(s.verbosity503);
    if (!tolerate(setOnQueue(HttpServer503VerbosityProperty, &verbosity, sizeof verbosity, error), "verbosity503", *error)) return false;
  }
  return true;
}

bool RequestQueue::applyToGroup(UrlGroup* group, const QueueSettings& s, DriverError* error) {
  if (anyTimeout(s)) {
    // All six are set together; 0 leaves one to the level above (section 8.2).
    HTTP_TIMEOUT_LIMIT_INFO timeouts{};
    timeouts.Flags.Present = 1;
    timeouts.EntityBody = seconds(s.entityBody);
    timeouts.DrainEntityBody = seconds(s.drainEntityBody);
    timeouts.RequestQueue = seconds(s.requestQueue);
    timeouts.IdleConnection = seconds(s.idleConnection);
    timeouts.HeaderWait = seconds(s.headerWait);
    timeouts.MinSendRate = static_cast<ULONG>(std::max<int64_t>(s.minSendRate, 0));
    if (!tolerate(group->set(HttpServerTimeoutsProperty, &timeouts, sizeof timeouts, error), "timeouts", *error)) return false;
  }
  if (s.maxConnections >= 0) {
    HTTP_CONNECTION_LIMIT_INFO limit{};
    limit.Flags.Present = 1;
    limit.MaxConnections = s.maxConnections == 0 ? api::kLimitInfinite : static_cast<ULONG>(s.maxConnections);
    HTTP_QOS_SETTING_INFO qos{};
    qos.QosType = HttpQosSettingTypeConnectionLimit;
    qos.QosSetting = &limit;
    if (!tolerate(group->set(HttpServerQosProperty, &qos, sizeof qos, error), "maxConnections", *error)) return false;
  }
  if (s.maxBandwidth >= 0) {
    HTTP_BANDWIDTH_LIMIT_INFO limit{};
    limit.Flags.Present = 1;
    limit.MaxBandwidth = s.maxBandwidth == 0 ? api::kLimitInfinite : static_cast<ULONG>(s.maxBandwidth);
    HTTP_QOS_SETTING_INFO qos{};
    qos.QosType = HttpQosSettingTypeBandwidth;
    qos.QosSetting = &limit;
    if (!tolerate(group->set(HttpServerQosProperty, &qos, sizeof qos, error), "maxBandwidth", *error)) return false;
  }
  if (s.authSchemes < 0) return true;
  HTTP_SERVER_AUTHENTICATION_INFO info{};
  info.Flags.Present = s.authSchemes != 0 ? 1 : 0;
  info.AuthSchemes = static_cast<ULONG>(s.authSchemes);
  std::u16string realm = s.realm;
  std::u16string domain = s.domain;
  // Lengths in bytes.
  info.BasicParams.Realm = realm.empty() ? nullptr : reinterpret_cast<PWSTR>(&realm[0]);
  info.BasicParams.RealmLength = static_cast<USHORT>(realm.size() * sizeof(char16_t));
  info.DigestParams.Realm = info.BasicParams.Realm;
  info.DigestParams.RealmLength = info.BasicParams.RealmLength;
  info.DigestParams.DomainName = domain.empty() ? nullptr : reinterpret_cast<PWSTR>(&domain[0]);
  info.DigestParams.DomainNameLength = static_cast<USHORT>(domain.size() * sizeof(char16_t));
  // AUTH-1: Kerberos by itself is known to the extended property only.
  const bool kerberos = (info.AuthSchemes & api::kAuthKerberos) != 0;
  // A server that counts on the driver to know its users must not run without: no failure of this one is tolerated.
  return group->set(kerberos ? HttpServerExtendedAuthenticationProperty : HttpServerAuthenticationProperty, &info, sizeof info, error);
}

bool RequestQueue::apply(const QueueSettings& s, DriverError* error) {
  // QUEUE-5: only the creator of a queue may set its properties.
  if (options_.mode != QueueMode::kAttach && !applyToQueue(s, error)) return false;
  for (const auto& group : groups_) {
    if (!applyToGroup(group.get(), s, error)) return false;
  }
  settings_ = s;
  Order order{};
  order.kind = Order::kSettings;
  order.settings = s;
  this->order(std::move(order));
  return true;
}

// The I/O thread's part.
void RequestQueue::take(const QueueSettings& s) {
  if (s.maxRequestBodyBytes >= 0) maxBody_ = s.maxRequestBodyBytes;
  // Wine takes a response with MORE_DATA and BUFFER_DATA for complete.
  if (s.bufferData) bufferData_ = !capabilities().wine;
  asksCertificates_ = s.clientCertificate && capabilities().clientCertificate;
  if (s.authSchemes < 0) return;
  static constexpr struct {
    ULONG scheme;
    std::string_view name;
  } kSchemes[] = {{api::kAuthKerberos, "Kerberos"}, {api::kAuthNegotiate, "Negotiate"}, {api::kAuthNtlm, "NTLM"},
                  {api::kAuthDigest, "Digest"},     {api::kAuthBasic, "Basic"}};
  challenges_.clear();
  for (const auto& one : kSchemes) {
    if ((static_cast<ULONG>(s.authSchemes) & one.scheme) != 0) challenges_.push_back(one.name);
  }
  allowAnonymous_ = s.allowAnonymous;
}

}  // namespace driver
}  // namespace httpsys
