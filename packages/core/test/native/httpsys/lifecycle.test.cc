// Sections 1 and 2 of http-server-api.md: objects, their order, queues, registration, settings.
#include "application.h"

using namespace httpsys;
using kernel::instance;

namespace {

bool withError(Application& application, const char* function, ULONG code) {
  return !application.isOpen() && std::string(application.error.function) == function && application.error.code == code;
}

std::u16string wide(const char* text) { return std::u16string(text, text + std::strlen(text)); }

}  // namespace

TEST("LIFE-1: a queue opens and closes with session, group and library in their order, and leaves nothing") {
  Application application;
  CHECK(application.isOpen());
  CHECK_EQ(instance().urls().size(), size_t{1});
  application.close();
  CHECK_EQ(instance().calls("Initialize"), instance().calls("Terminate"));
  CHECK_EQ(instance().calls("CreateServerSession"), instance().calls("CloseServerSession"));
  CHECK_EQ(instance().calls("CreateUrlGroup"), instance().calls("CloseUrlGroup"));
}

TEST("LIFE-2, LIFE-3, QUEUE-3, URL-23, URL-24: each call of opening may fail, is named with its code, and what was opened before is closed") {
  const std::pair<const char*, ULONG> failures[] = {
      {"Initialize", 5},      {"CreateServerSession", 1306}, {"CreateRequestQueue", 183}, {"CreateRequestQueue", 5},
      {"CreateUrlGroup", 87}, {"SetUrlGroupProperty", 87},   {"AddUrlToUrlGroup", 5},     {"AddUrlToUrlGroup", 183},
      {"AddUrlToUrlGroup", 32}, {"AddUrlToUrlGroup", 1214},
  };
  for (const auto& failure : failures) {
    instance().script.results[failure.first] = {failure.second};
    Application application;
    CHECK(withError(application, (std::string("Http") + failure.first).c_str(), failure.second));
    CHECK_EQ(instance().open(), 0);
  }
}

TEST("QUEUE-2: the queue has the name it was given") {
  driver::Driver::Options options;
  options.name = u"shop";
  Application application(std::move(options));
  CHECK(instance().queueName() == u"shop");
}

TEST("QUEUE-4: a queue is created with the access list it was given, one that is opened with none; text that is no descriptor is an error") {
  driver::Driver::Options options;
  options.name = u"shop";
  options.security = u"D:(A;;GA;;;NS)";
  {
    Application application(options);
    CHECK_EQ(instance().queueSecurity(), "D:(A;;GA;;;NS)");
  }
  options.mode = driver::QueueMode::kAttach;
  {
    Application application(options);
    CHECK_EQ(instance().queueSecurity(), "");
  }
  options.mode = driver::QueueMode::kControl;
  options.security = u"everybody";
  Application application(options);
  CHECK(withError(application, "ConvertStringSecurityDescriptorToSecurityDescriptorW", 1336));
  CHECK_EQ(instance().calls("CreateRequestQueue"), 0);
}

TEST("QUEUE-5: an attached queue is opened by its name and its properties are left to its creator") {
  driver::Driver::Options options;
  options.name = u"shop";
  options.mode = driver::QueueMode::kAttach;
  driver::QueueSettings settings;
  settings.queueLength = 50;
  settings.enabled = 0;
  Application application(std::move(options), settings);
  CHECK(application.isOpen());
  CHECK_EQ(instance().calls("SetRequestQueueProperty"), 0);
}

TEST("QUEUE-6: a controller registers URLs and settings, and never asks for a request") {
  driver::Driver::Options options;
  options.name = u"shop";
  options.mode = driver::QueueMode::kControl;
  driver::QueueSettings settings;
  settings.queueLength = 50;
  Application application(std::move(options), settings);
  CHECK(application.isOpen());
  CHECK_EQ(instance().urls().size(), size_t{1});
  CHECK_EQ(instance().calls("SetRequestQueueProperty"), 1);
  instance().deliver({});
  application.credit(0, 10);
  application.driver->flushCache(5, wide("http://+:8080/"), true);
  // The thread has taken the credit in when it has told of the flush behind it.
  application.until("it is flushed", [&] { return application.event(driver::QueueEvent::kFlushed); });
  CHECK_EQ(instance().calls("ReceiveHttpRequest"), 0);
}

TEST("QUEUE-9, section 8: settings reach queue and group in their structures") {
  driver::QueueSettings settings;
  settings.queueLength = 50;
  settings.verbosity503 = 2;
  settings.maxConnections = 0;
  settings.maxBandwidth = 4096;
  settings.entityBody = 30;
  settings.minSendRate = 240;
  settings.headerWait = 0xffff;
  settings.authSchemes = 5;
  settings.realm = u"shop";
  Application application({}, settings);
  ULONG length = 0;
  std::memcpy(&length, instance().property(HttpServerQueueLengthProperty).data(), sizeof length);
  CHECK_EQ(length, 50u);
  HTTP_TIMEOUT_LIMIT_INFO timeouts;
  std::memcpy(&timeouts, instance().property(HttpServerTimeoutsProperty).data(), sizeof timeouts);
  CHECK_EQ(timeouts.EntityBody, 30);
  CHECK_EQ(timeouts.HeaderWait, 0xffff);
  CHECK_EQ(timeouts.IdleConnection, 0);
  CHECK_EQ(timeouts.MinSendRate, 240u);
  HTTP_SERVER_AUTHENTICATION_INFO info;
  std::memcpy(&info, instance().property(HttpServerAuthenticationProperty).data(), sizeof info);
  CHECK_EQ(info.AuthSchemes, 5u);
  CHECK_EQ(info.BasicParams.RealmLength, 8);
}

TEST("section 8: a setting that the system does not know is told and does not keep from listening; a wrong one does") {
  instance().script.results["SetRequestQueueProperty"] = {120};
  driver::QueueSettings settings;
  settings.queueLength = 50;
  {
    Application application({}, settings);
    CHECK(application.isOpen());
    const auto names = application.driver->unsupported();
    CHECK_EQ(names.size(), size_t{1});
    CHECK_EQ(std::string(names.at(0)), "queueLength");
    CHECK(application.driver->unsupported().empty());
  }
  instance().script.results["SetRequestQueueProperty"] = {87};
  Application application({}, settings);
  CHECK(withError(application, "HttpSetRequestQueueProperty", 87));
}

TEST("AUTH-2: a server that counts on the driver's authentication does not listen without it") {
  driver::QueueSettings settings;
  settings.authSchemes = 4;
  instance().script.results["SetUrlGroupProperty"] = {0, 120};
  Application application({}, settings);
  CHECK(withError(application, "HttpSetUrlGroupProperty", 120));
}

TEST("URL-29: a URL that fails leaves the others as they are, and can be tried again") {
  Application application;
  driver::DriverError error;
  instance().script.results["AddUrlToUrlGroup"] = {183};
  CHECK(!application.driver->addUrl(u"http://+:8081/", 8, &error));
  CHECK_EQ(error.code, 183u);
  CHECK_EQ(instance().urls().size(), size_t{1});
  CHECK(application.driver->addUrl(u"http://+:8081/", 8, &error));
  CHECK_EQ(instance().urls().size(), size_t{2});
}

TEST("URL-20: listening twice on one prefix is 183") {
  Application application;
  driver::DriverError error;
  CHECK(!application.driver->addUrl(u"http://+:8080/", 8, &error));
  CHECK_EQ(error.code, 183u);
}

TEST("SHUT-8: a request under way is answered after its URL was removed") {
  Application application;
  const uint64_t id = instance().deliver({});
  const uint32_t known = application.request().id;
  application.driver->removeUrls();
  CHECK(instance().urls().empty());
  application.respond(known, 200, "", "late");
  CHECK_EQ(application.answer(id).bytes, "late");
}

TEST("CACHE-33: a flush names its URL, is recursive when asked, and tells its end") {
  Application application;
  application.driver->flushCache(3, wide("http://+:8080/a/"), true);
  application.until("it is flushed", [&] { return application.event(driver::QueueEvent::kFlushed); });
  CHECK_EQ(instance().flushed(), "http://+:8080/a/ recursive");
  CHECK_EQ(application.events[0].token, 3u);
  CHECK_EQ(application.events[0].code, 0u);
}

TEST("CACHE-33: a queue whose URLs are removed has nothing to flush, and asks for nothing") {
  Application application;
  application.driver->removeUrls();
  application.driver->flushCache(3, wide("http://+:8080/a/"), true);
  application.until("it is told", [&] { return application.event(driver::QueueEvent::kFlushed); });
  CHECK_EQ(application.events.back().code, 0u);
  CHECK_EQ(instance().calls("FlushResponseCache"), 0);
}

TEST("CACHE-33: the result of a flush that fails is told") {
  Application application;
  instance().script.results["FlushResponseCache"] = {87};
  application.driver->flushCache(4, wide("http://+:8080/a/"), false);
  application.until("it is flushed", [&] { return application.event(driver::QueueEvent::kFlushed); });
  CHECK_EQ(application.events[0].code, 87u);
}
