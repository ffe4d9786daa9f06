#include "httpsys/server_session.h"

#include <string_view>

#include "httpsys/http_functions.h"
#include "httpsys/wide_text.h"

namespace httpsys {
namespace driver {

namespace {

bool failed(ULONG code, const char* function, DriverError* error) {
  if (code == NO_ERROR) return false;
  error->code = code;
  error->function = function;
  return true;
}

}  // namespace

bool ServerSession::open(DriverError* error) {
  const HTTPAPI_VERSION version = HTTPAPI_VERSION_2;
  if (failed(functions().Initialize(version, HTTP_INITIALIZE_SERVER, nullptr), "HttpInitialize", error)) return false;
  initialized_ = true;
  return !failed(functions().CreateServerSession(version, &id_, 0), "HttpCreateServerSession", error);
}

void ServerSession::close() {
  if (id_ != HTTP_NULL_ID) functions().CloseServerSession(id_);
  id_ = HTTP_NULL_ID;
  if (initialized_) functions().Terminate(HTTP_INITIALIZE_SERVER, nullptr);
  initialized_ = false;
}

bool UrlGroup::open(const ServerSession& session, HANDLE queue, DriverError* error) {
  if (failed(functions().CreateUrlGroup(session.id(), &id_, 0), "HttpCreateUrlGroup", error)) return false;
  HTTP_BINDING_INFO binding{};
  binding.Flags.Present = 1;
  binding.RequestQueueHandle = queue;
  return set(HttpServerBindingProperty, &binding, sizeof binding, error);
}

bool UrlGroup::addUrl(const std::u16string& url, uint32_t context, DriverError* error) {
  url_ = url;
  if (!capabilities().weakWildcard) {
    constexpr std::u16string_view kWeak = u"://*:";
    const size_t at = url_.find(kWeak);
    if (at != std::u16string::npos) url_[at + kWeak.find(u'*')] = u'+';
  }
  if (failed(functions().AddUrlToUrlGroup(id_, wide(url_), context, 0), "HttpAddUrlToUrlGroup", error)) return false;
  registered_ = true;
  return true;
}

void UrlGroup::removeUrl() {
  // By name: Wine forgets the URL with REMOVE_ALL and leaves it registered.
  if (registered_) functions().RemoveUrlFromUrlGroup(id_, wide(url_), 0);
  registered_ = false;
}

void UrlGroup::close() {
  removeUrl();
  if (id_ != HTTP_NULL_ID) functions().CloseUrlGroup(id_);
  id_ = HTTP_NULL_ID;
}

bool UrlGroup::set(HTTP_SERVER_PROPERTY property, void* value, ULONG bytes, DriverError* error) {
  return !failed(functions().SetUrlGroupProperty(id_, property, value, bytes), "HttpSetUrlGroupProperty", error);
}

}  // namespace driver
}  // namespace httpsys
