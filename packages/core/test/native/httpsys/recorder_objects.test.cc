// The recording layer itself: it notices calls that break a rule of the API's objects. What it does not notice, no other test here can show.
#include "hand.h"

using namespace httpsys;

namespace {

constexpr HTTPAPI_VERSION kOldVersion = {1, 1};

template <typename Property>
void groupProperty(Hand& hand, HTTP_SERVER_PROPERTY property, Property value, ULONG bytes = sizeof(Property)) {
  Hand::api().SetUrlGroupProperty(hand.group, property, &value, bytes);
}

void queueProperty(Hand& hand, HTTP_SERVER_PROPERTY property, ULONG value, ULONG bytes = sizeof(ULONG)) {
  Hand::api().SetRequestQueueProperty(hand.queue, property, &value, bytes, 0, nullptr);
}

// Opened beside the hand's own, and closed.
void createQueue(PCWSTR name, SECURITY_ATTRIBUTES* security, ULONG flags, HTTPAPI_VERSION version = Hand::kVersion) {
  HANDLE queue = nullptr;
  Hand::api().CreateRequestQueue(version, name, security, flags, &queue);
  Hand::api().CloseRequestQueue(queue);
}

}  // namespace

TEST("the recording layer has nothing to say of a queue that is opened, used and closed in order") {
  Hand hand;
  hand.addUrl(L"http://+:8080/");
  const HTTP_REQUEST_ID id = hand.request();
  hand.body("hello");
  hand.send(id);
  Hand::api().FlushResponseCache(hand.queue, L"http://+:8080/a", 0, hand.overlapped());
  Hand::api().RemoveUrlFromUrlGroup(hand.group, L"http://+:8080/", 0);
  for (const std::string& one : recorder::takeViolations()) check::failed(__FILE__, __LINE__, one);
}

TEST("the recording layer notices sessions and groups out of order") {
  expectNotices({
      {"LIFE-3: the version is not 2.0", [](Hand&) { Hand::api().Initialize(kOldVersion, HTTP_INITIALIZE_SERVER, nullptr); }},
      {"LIFE-2: HttpInitialize with other flags", [](Hand&) { Hand::api().Initialize(Hand::kVersion, HTTP_INITIALIZE_CONFIG, nullptr); }},
      {"LIFE-2: HttpTerminate with other flags", [](Hand&) { Hand::api().Terminate(HTTP_INITIALIZE_CONFIG, nullptr); }},
      {"SHUT-7: HttpTerminate comes last", [](Hand&) { Hand::api().Terminate(HTTP_INITIALIZE_SERVER, nullptr); }},
      {"LIFE-3: the version is not 2.0",
       [](Hand&) {
         HTTP_SERVER_SESSION_ID id = 0;
         Hand::api().CreateServerSession(kOldVersion, &id, 0);
       }},
      {"LIFE-3: HttpCreateServerSession needs a place",
       [](Hand&) {
         HTTP_SERVER_SESSION_ID id = 0;
         Hand::api().CreateServerSession(Hand::kVersion, &id, 1);
       }},
      {"LIFE-4: a session that is not open is closed", [](Hand&) { Hand::api().CloseServerSession(99); }},
      {"LIFE-4: a session is closed before its groups", [](Hand& hand) { Hand::api().CloseServerSession(hand.session); }},
      {"LIFE-4: a property of a session that is not open",
       [](Hand&) { Hand::api().SetServerSessionProperty(99, HttpServerTimeoutsProperty, nullptr, 0); }},
      {"LIFE-1: a group without its session",
       [](Hand&) {
         HTTP_URL_GROUP_ID id = 0;
         Hand::api().CreateUrlGroup(99, &id, 0);
       }},
      {"LIFE-4: a group that is not open is closed", [](Hand&) { Hand::api().CloseUrlGroup(99); }},
      {"LIFE-4: a property of a group that is not open",
       [](Hand&) { Hand::api().SetUrlGroupProperty(99, HttpServerTimeoutsProperty, nullptr, 0); }},
      {"SHUT-7: a group is closed before its URLs",
       [](Hand& hand) {
         hand.addUrl(L"http://+:8080/");
         Hand::api().CloseUrlGroup(hand.group);
       }},
  });
}

TEST("the recording layer notices properties in the wrong form, or in the wrong place") {
  expectNotices({
      {"LIFE-8: a binding", [](Hand& hand) { groupProperty(hand, HttpServerBindingProperty, HTTP_BINDING_INFO{{0}, hand.queue}); }},
      {"LIFE-1: a group is bound to a queue that is not open",
       [](Hand& hand) { groupProperty(hand, HttpServerBindingProperty, HTTP_BINDING_INFO{{1}, &hand}); }},
      {"PROPERTY-TIMEOUTS", [](Hand& hand) { groupProperty(hand, HttpServerTimeoutsProperty, HTTP_TIMEOUT_LIMIT_INFO{}); }},
      {"PROPERTY-TIMEOUTS", [](Hand& hand) { groupProperty(hand, HttpServerTimeoutsProperty, HTTP_TIMEOUT_LIMIT_INFO{{1}, 1, 1, 1, 1, 1, 1}, 16); }},
      {"PROPERTY-QOS: a limit of another size",
       [](Hand& hand) { groupProperty(hand, HttpServerQosProperty, HTTP_QOS_SETTING_INFO{HttpQosSettingTypeConnectionLimit, nullptr}); }},
      {"PROPERTY-QOS: a bandwidth below",
       [](Hand& hand) {
         HTTP_BANDWIDTH_LIMIT_INFO limit{{1}, 1023};
         groupProperty(hand, HttpServerQosProperty, HTTP_QOS_SETTING_INFO{HttpQosSettingTypeBandwidth, &limit});
       }},
      {"AUTH-1: authentication of another size",
       [](Hand& hand) { groupProperty(hand, HttpServerAuthenticationProperty, HTTP_SERVER_AUTHENTICATION_INFO{}, 16); }},
      {"AUTH-1: an unknown scheme",
       [](Hand& hand) {
         HTTP_SERVER_AUTHENTICATION_INFO info{};
         info.AuthSchemes = 32;
         groupProperty(hand, HttpServerExtendedAuthenticationProperty, info);
       }},
      {"AUTH-1: Kerberos by itself",
       [](Hand& hand) {
         HTTP_SERVER_AUTHENTICATION_INFO info{};
         info.AuthSchemes = api::kAuthKerberos;
         groupProperty(hand, HttpServerAuthenticationProperty, info);
       }},
      {"PROPERTY-LEVEL: a queue's property on a group", [](Hand& hand) { groupProperty(hand, HttpServerQueueLengthProperty, ULONG{5}); }},
      {"PROPERTY-LEVEL: a property that a queue has not", [](Hand& hand) { queueProperty(hand, HttpServerQosProperty, 5); }},
      {"PROPERTY-QUEUE: a property of another size", [](Hand& hand) { queueProperty(hand, HttpServerQueueLengthProperty, 5, 2); }},
      {"PROPERTY-QUEUE: an unknown verbosity", [](Hand& hand) { queueProperty(hand, HttpServer503VerbosityProperty, 3); }},
      {"QUEUE-9: a queue without room", [](Hand& hand) { queueProperty(hand, HttpServerQueueLengthProperty, 0); }},
  });
}

TEST("the recording layer notices URLs that are not in form, and URLs without a queue") {
  expectNotices({
      {"URL-1", [](Hand& hand) { hand.addUrl(L"HTTP://+:80/"); }},
      {"URL-1", [](Hand& hand) { hand.addUrl(L"ftp://+:80/"); }},
      {"URL-2: a query or fragment", [](Hand& hand) { hand.addUrl(L"http://+:80/?a/"); }},
      {"URL-2: a query or fragment", [](Hand& hand) { hand.addUrl(L"http://+:80/#a/"); }},
      {"URL-2: a prefix without a port", [](Hand& hand) { hand.addUrl(L"http://shop/"); }},
      {"URL-2: a prefix without a port", [](Hand& hand) { hand.addUrl(L"https://shop:0/"); }},
      {"URL-3", [](Hand& hand) { hand.addUrl(L"http://+:80/a"); }},
      {"LIFE-5: HttpAddUrlToUrlGroup with a reserved", [](Hand& hand) { Hand::api().AddUrlToUrlGroup(hand.group, L"http://+:80/", 1, 1); }},
      {"LIFE-5: a URL is removed that the group has not",
       [](Hand& hand) { Hand::api().RemoveUrlFromUrlGroup(hand.group, L"http://+:80/", 0); }},
      {"LIFE-7",
       [](Hand& hand) {
         HTTP_URL_GROUP_ID id = 0;
         Hand::api().CreateUrlGroup(hand.session, &id, 0);
         Hand::api().AddUrlToUrlGroup(id, L"http://+:80/", 1, 0);
       }},
  });
}

TEST("the recording layer notices queues that are opened or closed against the rules") {
  expectNotices({
      {"LIFE-3: the version is not 2.0", [](Hand&) { createQueue(nullptr, nullptr, 0, kOldVersion); }},
      {"QUEUE-1", [](Hand&) { createQueue(L"shop", nullptr, 8); }},
      {"QUEUE-2", [](Hand&) { createQueue(L"a/b", nullptr, 0); }},
      {"QUEUE-2", [](Hand&) { createQueue(L"a\\b", nullptr, 0); }},
      {"QUEUE-2", [](Hand&) { createQueue(reinterpret_cast<PCWSTR>(std::u16string(261, u'a').c_str()), nullptr, 0); }},
      {"QUEUE-3", [](Hand&) { createQueue(nullptr, nullptr, api::kQueueOpenExisting); }},
      {"QUEUE-3",
       [](Hand&) {
         SECURITY_ATTRIBUTES security{};
         createQueue(L"shop", &security, api::kQueueOpenExisting);
       }},
      {"QUEUE-4",
       [](Hand&) {
         SECURITY_ATTRIBUTES security{};
         security.nLength = sizeof security;
         createQueue(L"shop", &security, 0);
       }},
      {"QUEUE-5",
       [](Hand& hand) {
         Hand::api().CloseRequestQueue(hand.queue);
         Hand::api().CreateRequestQueue(Hand::kVersion, L"shop", nullptr, api::kQueueOpenExisting, &hand.queue);
         queueProperty(hand, HttpServerQueueLengthProperty, 5);
       }},
      {"QUEUE-6",
       [](Hand& hand) {
         Hand::api().CloseRequestQueue(hand.queue);
         Hand::api().CreateRequestQueue(Hand::kVersion, L"shop", nullptr, api::kQueueController, &hand.queue);
         kernel::instance().script.results["ReceiveHttpRequest"] = {ERROR_INVALID_PARAMETER};
         hand.receive(HTTP_NULL_ID);
       }},
      {"SHUT-7: a queue is closed before its URLs",
       [](Hand& hand) {
         hand.addUrl(L"http://+:8080/");
         Hand::api().CloseRequestQueue(hand.queue);
       }},
      {"SHUT-6",
       [](Hand& hand) {
         hand.request();
         Hand::api().CloseRequestQueue(hand.queue);
       }},
      {"SHUT-1: a queue is shut down twice",
       [](Hand& hand) {
         Hand::api().ShutdownRequestQueue(hand.queue);
         Hand::api().ShutdownRequestQueue(hand.queue);
       }},
      {"SHUT-5: HttpCloseRequestQueue",
       [](Hand& hand) {
         Hand::api().CloseRequestQueue(hand.queue);
         Hand::api().CloseRequestQueue(hand.queue);
       }},
  });
}

TEST("the recording layer notices what is left open at the end") {
  const auto leave = [](Hand& hand) {
    hand.receive(HTTP_NULL_ID);
    recorder::checkEnd();
  };
  expectNotices({
      {"LIFE-2: HttpTerminate was not called as often", leave},
      {"SHUT-7: a server session is open", leave},
      {"SHUT-7: a URL group is open", leave},
      {"SHUT-7: a request queue is open", leave},
      {"IO-6: a call never ended", leave},
  });
}

TEST("LIFE-2: the recording layer notices calls before HttpInitialize") {
  { const Hand loads; }
  HTTP_SERVER_SESSION_ID session = 0;
  functions().CreateServerSession(Hand::kVersion, &session, 0);
  CHECK(noticed("LIFE-2: HttpCreateServerSession without HttpInitialize"));
  recorder::forgetAll();
  kernel::instance().reset();
}
