// Sessions, groups, URLs, queues and their properties: what is checked of each call before it goes on to the table that was there.
#include <algorithm>

#include "recorded.h"

namespace httpsys {
namespace recorder {

namespace {

void checkVersion(HTTPAPI_VERSION version) {
  expect(version.HttpApiMajorVersion == 2 && version.HttpApiMinorVersion == 0, "LIFE-3", "the version is not 2.0");
}

ULONG WINAPI Initialize(HTTPAPI_VERSION version, ULONG flags, PVOID reserved) {
  const Lock lock(all().mutex);
  checkVersion(version);
  expect(flags == HTTP_INITIALIZE_SERVER && reserved == nullptr, "LIFE-2", "HttpInitialize with other flags");
  const ULONG code = next().Initialize(version, flags, reserved);
  if (code == NO_ERROR) ++all().initialized;
  return code;
}

ULONG WINAPI Terminate(ULONG flags, PVOID reserved) {
  const Lock lock(all().mutex);
  usable("HttpTerminate");
  expect(flags == HTTP_INITIALIZE_SERVER && reserved == nullptr, "LIFE-2", "HttpTerminate with other flags than HttpInitialize");
  --all().initialized;
  expect(all().initialized > 0 || (all().sessions.empty() && all().queues.empty()), "SHUT-7", "HttpTerminate comes last");
  return next().Terminate(flags, reserved);
}

ULONG WINAPI CreateServerSession(HTTPAPI_VERSION version, HTTP_SERVER_SESSION_ID* id, ULONG reserved) {
  const Lock lock(all().mutex);
  usable("HttpCreateServerSession");
  checkVersion(version);
  expect(id != nullptr && reserved == 0, "LIFE-3", "HttpCreateServerSession needs a place for the id");
  const ULONG code = next().CreateServerSession(version, id, reserved);
  if (code == NO_ERROR) all().sessions.insert(*id);
  return code;
}

ULONG WINAPI CloseServerSession(HTTP_SERVER_SESSION_ID id) {
  const Lock lock(all().mutex);
  usable("HttpCloseServerSession");
  expect(all().sessions.erase(id) == 1, "LIFE-4", "a session that is not open is closed");
  for (const auto& group : all().groups) expect(group.second.session != id, "LIFE-4", "a session is closed before its groups");
  return next().CloseServerSession(id);
}

ULONG WINAPI SetServerSessionProperty(HTTP_SERVER_SESSION_ID id, HTTP_SERVER_PROPERTY property, PVOID value, ULONG bytes) {
  const Lock lock(all().mutex);
  usable("HttpSetServerSessionProperty");
  expect(all().sessions.count(id) == 1, "LIFE-4", "a property of a session that is not open");
  return next().SetServerSessionProperty(id, property, value, bytes);
}

ULONG WINAPI CreateUrlGroup(HTTP_SERVER_SESSION_ID session, HTTP_URL_GROUP_ID* id, ULONG reserved) {
  const Lock lock(all().mutex);
  usable("HttpCreateUrlGroup");
  expect(all().sessions.count(session) == 1 && reserved == 0, "LIFE-1", "a group without its session");
  const ULONG code = next().CreateUrlGroup(session, id, reserved);
  if (code == NO_ERROR) all().groups[*id].session = session;
  return code;
}

ULONG WINAPI CloseUrlGroup(HTTP_URL_GROUP_ID id) {
  const Lock lock(all().mutex);
  usable("HttpCloseUrlGroup");
  const auto group = all().groups.find(id);
  if (group == all().groups.end()) {
    violation("LIFE-4", "a group that is not open is closed");
  } else {
    expect(group->second.urls.empty(), "SHUT-7", "a group is closed before its URLs are removed");
    all().groups.erase(group);
  }
  return next().CloseUrlGroup(id);
}

// Section 8: sizes and ranges.
void checkGroupProperty(Group* group, HTTP_SERVER_PROPERTY property, PVOID value, ULONG bytes) {
  switch (property) {
    case HttpServerBindingProperty: {
      const auto* binding = static_cast<const HTTP_BINDING_INFO*>(value);
      expect(bytes == 16 && binding->Flags.Present == 1, "LIFE-8", "a binding of another size, or without Present");
      expect(all().queues.count(binding->RequestQueueHandle) == 1, "LIFE-1", "a group is bound to a queue that is not open");
      group->bound = true;
      group->queue = binding->RequestQueueHandle;
      return;
    }
    case HttpServerTimeoutsProperty:
      expect(bytes == 20 && static_cast<const HTTP_TIMEOUT_LIMIT_INFO*>(value)->Flags.Present == 1, "PROPERTY-TIMEOUTS", "timeouts of another size");
      return;
    case HttpServerQosProperty: {
      const auto* qos = static_cast<const HTTP_QOS_SETTING_INFO*>(value);
      expect(bytes == sizeof *qos && qos->QosSetting != nullptr, "PROPERTY-QOS", "a limit of another size");
      if (qos->QosType == HttpQosSettingTypeBandwidth) {
        expect(static_cast<const HTTP_BANDWIDTH_LIMIT_INFO*>(qos->QosSetting)->MaxBandwidth >= api::kBandwidthMin, "PROPERTY-QOS",
               "a bandwidth below 1024 bytes per second");
      }
      return;
    }
    case HttpServerAuthenticationProperty:
    case HttpServerExtendedAuthenticationProperty: {
      const auto* info = static_cast<const HTTP_SERVER_AUTHENTICATION_INFO*>(value);
      expect(bytes == sizeof *info, "AUTH-1", "authentication of another size");
      expect(info->AuthSchemes <= 31, "AUTH-1", "an unknown scheme");
      expect(property == HttpServerExtendedAuthenticationProperty || (info->AuthSchemes & api::kAuthKerberos) == 0, "AUTH-1",
             "Kerberos by itself is known to the extended property only");
      return;
    }
    default:
      expect(property != HttpServerQueueLengthProperty && property != HttpServer503VerbosityProperty, "PROPERTY-LEVEL",
             "a queue's property on a group");
  }
}

ULONG WINAPI SetUrlGroupProperty(HTTP_URL_GROUP_ID id, HTTP_SERVER_PROPERTY property, PVOID value, ULONG bytes) {
  const Lock lock(all().mutex);
  usable("HttpSetUrlGroupProperty");
  const auto group = all().groups.find(id);
  if (group == all().groups.end()) {
    violation("LIFE-4", "a property of a group that is not open");
  } else {
    checkGroupProperty(&group->second, property, value, bytes);
  }
  return next().SetUrlGroupProperty(id, property, value, bytes);
}

// URL-1 to URL-3; the driver is given what the prefix parser has brought into form.
void checkUrl(const std::u16string& url) {
  const bool https = url.compare(0, 8, u"https://") == 0;
  const size_t host = https ? 8 : 7;
  expect(https || url.compare(0, 7, u"http://") == 0, "URL-1", "the scheme is not in lower case, or unknown");
  expect(url.find(u'?') == std::u16string::npos && url.find(u'#') == std::u16string::npos, "URL-2", "a query or fragment in a prefix");
  expect(!url.empty() && url.back() == u'/', "URL-3", "a prefix without its final slash");
  const size_t slash = url.find(u'/', host);
  const size_t colon = slash == std::u16string::npos ? slash : url.rfind(u':', slash);
  expect(colon != std::u16string::npos && colon > host && colon + 1 < slash && url[colon + 1] > u'0' && url[colon + 1] <= u'9', "URL-2",
         "a prefix without a port, or port 0");
}

ULONG WINAPI AddUrlToUrlGroup(HTTP_URL_GROUP_ID id, PCWSTR url, HTTP_URL_CONTEXT context, ULONG reserved) {
  const Lock lock(all().mutex);
  usable("HttpAddUrlToUrlGroup");
  checkUrl(text(url));
  expect(reserved == 0, "LIFE-5", "HttpAddUrlToUrlGroup with a reserved value");
  const ULONG code = next().AddUrlToUrlGroup(id, url, context, reserved);
  const auto group = all().groups.find(id);
  expect(group != all().groups.end() && group->second.bound, "LIFE-7", "a URL of a group without a queue: the driver would answer 503");
  if (code == NO_ERROR && group != all().groups.end()) group->second.urls.insert(text(url));
  return code;
}

ULONG WINAPI RemoveUrlFromUrlGroup(HTTP_URL_GROUP_ID id, PCWSTR url, ULONG flags) {
  const Lock lock(all().mutex);
  usable("HttpRemoveUrlFromUrlGroup");
  const auto group = all().groups.find(id);
  expect(group != all().groups.end() && flags == 0 && group->second.urls.erase(text(url)) == 1, "LIFE-5", "a URL is removed that the group has not");
  return next().RemoveUrlFromUrlGroup(id, url, flags);
}

ULONG WINAPI CreateRequestQueue(HTTPAPI_VERSION version, PCWSTR name, SECURITY_ATTRIBUTES* security, ULONG flags, HANDLE* queue) {
  const Lock lock(all().mutex);
  usable("HttpCreateRequestQueue");
  checkVersion(version);
  const std::u16string wanted = text(name);
  expect((flags & ~(api::kQueueOpenExisting | api::kQueueController)) == 0, "QUEUE-1", "unknown flags");
  expect(wanted.size() <= 260 && wanted.find(u'/') == std::u16string::npos && wanted.find(u'\\') == std::u16string::npos, "QUEUE-2",
         "a name that is too long, or has path separators");
  const bool attaches = (flags & api::kQueueOpenExisting) != 0;
  expect(!attaches || (security == nullptr && !wanted.empty()), "QUEUE-3", "an existing queue is opened by its name, without a descriptor");
  expect(security == nullptr || (security->nLength == sizeof *security && security->lpSecurityDescriptor != nullptr), "QUEUE-4",
         "security attributes without their length or their descriptor");
  const ULONG code = next().CreateRequestQueue(version, name, security, flags, queue);
  if (code != NO_ERROR) return code;
  all().queues[*queue].attached = attaches;
  all().queues[*queue].controller = (flags & api::kQueueController) != 0;
  return code;
}

ULONG WINAPI CloseRequestQueue(HANDLE handle) {
  {
    const Lock lock(all().mutex);
    usable("HttpCloseRequestQueue");
    if (Queue* queue = queueOf(handle, "HttpCloseRequestQueue")) {
      for (const auto& group : all().groups) {
        expect(group.second.queue != handle || group.second.urls.empty(), "SHUT-7", "a queue is closed before its URLs are removed");
      }
      for (const auto& request : queue->requests) {
        const RecordedRequest& one = request.second;
        expect(one.complete || one.cancelled || one.failed, "SHUT-6", "a queue is closed with a request that nobody answers");
      }
      all().queues.erase(handle);
    }
  }
  return next().CloseRequestQueue(handle);
}

ULONG WINAPI ShutdownRequestQueue(HANDLE handle) {
  {
    const Lock lock(all().mutex);
    usable("HttpShutdownRequestQueue");
    allowed(&Capabilities::shutdownQueue, "HttpShutdownRequestQueue");
    if (Queue* queue = queueOf(handle, "HttpShutdownRequestQueue")) {
      expect(!queue->shutdown, "SHUT-1", "a queue is shut down twice");
      queue->shutdown = true;
    }
  }
  return next().ShutdownRequestQueue(handle);
}

ULONG WINAPI SetRequestQueueProperty(HANDLE handle, HTTP_SERVER_PROPERTY property, PVOID value, ULONG bytes, ULONG reserved, PVOID reserved2) {
  const Lock lock(all().mutex);
  usable("HttpSetRequestQueueProperty");
  const Queue* queue = queueOf(handle, "HttpSetRequestQueueProperty");
  expect(queue == nullptr || !queue->attached, "QUEUE-5", "a property of a queue that another process has made");
  expect(property == HttpServerQueueLengthProperty || property == HttpServerStateProperty || property == HttpServer503VerbosityProperty,
         "PROPERTY-LEVEL", "a property that a queue has not");
  expect(bytes == sizeof(ULONG) && reserved == 0 && reserved2 == nullptr, "PROPERTY-QUEUE", "a property of another size");
  ULONG number = 0;
  if (bytes == sizeof number) std::copy_n(static_cast<const char*>(value), sizeof number, reinterpret_cast<char*>(&number));
  if (property == HttpServerQueueLengthProperty) expect(number >= 1, "QUEUE-9", "a queue without room");
  if (property == HttpServer503VerbosityProperty) expect(number <= 2, "PROPERTY-QUEUE", "an unknown verbosity");
  return next().SetRequestQueueProperty(handle, property, value, bytes, reserved, reserved2);
}

}  // namespace

void wrapObjects(HttpFunctions* table) {
#define WRAP(name) \
  if (table->name != nullptr) table->name = name
  WRAP(Initialize);
  WRAP(Terminate);
  WRAP(CreateServerSession);
  WRAP(CloseServerSession);
  WRAP(SetServerSessionProperty);
  WRAP(CreateUrlGroup);
  WRAP(CloseUrlGroup);
  WRAP(SetUrlGroupProperty);
  WRAP(AddUrlToUrlGroup);
  WRAP(RemoveUrlFromUrlGroup);
  WRAP(CreateRequestQueue);
  WRAP(CloseRequestQueue);
  WRAP(ShutdownRequestQueue);
  WRAP(SetRequestQueueProperty);
#undef WRAP
}

}  // namespace recorder
}  // namespace httpsys
