// The routing rule: worked tables of the reference, and a seeded generator against a naive model.
#include "portable/prefix_table.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "check.h"
#include "portable/cooked_url.h"

using namespace httpsys;

namespace {

// "http://host:port/path" as src/prefix would hand it over; `id` becomes the queue.
UrlEntry entry(std::string_view prefix, uint32_t id) {
  UrlEntry out;
  out.https = prefix.substr(0, 5) == "https";
  const size_t start = prefix.find("://") + 3;
  const size_t slash = prefix.find('/', start);
  std::string_view authority = prefix.substr(start, slash - start);
  const size_t colon = authority.rfind(':');
  out.port = static_cast<uint16_t>(std::stoi(std::string(authority.substr(colon + 1))));
  std::string_view host = authority.substr(0, colon);
  if (host == "+" || host == "*") {
    out.kind = host == "+" ? HostKind::kStrong : HostKind::kWeak;
  } else if (host[0] == '[' || (host[0] >= '0' && host[0] <= '9')) {
    out.kind = HostKind::kIp;
    out.host = host[0] == '[' ? host.substr(1, host.size() - 2) : host;
  } else {
    out.kind = HostKind::kExplicit;
    foldCase(host, &out.host);
  }
  foldCase(prefix.substr(slash), &out.path);
  out.queueId = id;
  return out;
}

struct Request {
  std::string host;
  std::string path;
  uint16_t port = 80;
  std::string local = "127.0.0.1";
};

// Queue of the entry that was found, or -400, -404.
int answer(const PrefixTable& table, const Request& request, bool https = false) {
  const RouteResult result = table.route(https, request.port, request.local, request.host, request.path);
  if (result.status == RouteStatus::kNoHost) return -400;
  if (result.status == RouteStatus::kNoPath) return -404;
  return static_cast<int>(result.entry->queueId);
}

std::vector<UrlEntry> entries(std::initializer_list<std::pair<const char*, uint32_t>> list) {
  std::vector<UrlEntry> out;
  for (const auto& item : list) out.push_back(entry(item.first, item.second));
  return out;
}

}  // namespace

TEST("ROUTE-5: longest match on segment boundaries") {
  const PrefixTable table(entries({{"http://*:80/", 1}, {"http://*:80/11/", 2}, {"http://*:80/2/3/", 3}, {"http://*:80/2/", 4},
      {"http://*:80/11/2/", 5}}));
  const std::pair<const char*, int> rows[] = {{"/", 1},   {"/random", 1}, {"/11", 2},   {"/11/random", 2}, {"/2/", 4},   {"/2/random", 4},
                                              {"/2/3", 3}, {"/2/3/random", 3}, {"/11/2", 5}, {"/11/2/x", 5},    {"/111", 1}, {"/11/22",
                                                  2}, {"/2/33", 4}};
  for (const auto& row : rows) CHECK_EQ(answer(table, {"h", row.first}), row.second);
}

TEST("ROUTE-4: /foo/ takes /foo, /foo/ and what is below, not /foobar") {
  const PrefixTable table(entries({{"http://*:80/foo/", 1}}));
  for (const char* path : {"/foo", "/foo/", "/foo/bar", "/FOO/Bar", "/Foo"}) CHECK_EQ(answer(table, {"h", path}), 1);
  for (const char* path : {"/foobar", "/fo", "/", "/bar/foo", "/foo.", "/fo/o"}) CHECK_EQ(answer(table, {"h", path}), -404);
}

TEST("ROUTE-1, ROUTE-3: buckets are consulted in order and the first with a match decides") {
  const PrefixTable worked(entries({{"http://+:80/vroot/", 1}, {"http://adatum.com:80/", 2}, {"http://*:80/", 3}}));
  CHECK_EQ(answer(worked, {"adatum.com", "/vroot/x"}), 1);
  CHECK_EQ(answer(worked, {"adatum.com", "/default.htm"}), 2);
  CHECK_EQ(answer(worked, {"other.com", "/file"}), 3);
  const PrefixTable strongRoot(entries({{"http://+:80/", 1}, {"http://adatum.com:80/deep/path/", 2}}));
  CHECK_EQ(answer(strongRoot, {"adatum.com", "/deep/path/x"}), 1);
  const PrefixTable bound(entries({{"http://adatum.com:80/", 1}, {"http://10.0.0.1:80/x/", 2}, {"http://*:80/", 3}}));
  CHECK_EQ(answer(bound, {"adatum.com", "/x/y", 80, "10.0.0.1"}), 1);
  CHECK_EQ(answer(bound, {"other.com", "/x/y", 80, "10.0.0.1"}), 2);
  CHECK_EQ(answer(bound, {"other.com", "/y", 80, "10.0.0.1"}), 3);
  CHECK_EQ(answer(bound, {"other.com", "/x/y", 80, "10.0.0.2"}), 3);
}

TEST("ROUTE-9: an explicit name wants its port or none, wildcards take any") {
  const PrefixTable table(entries({{"http://name.example:8080/", 1}, {"http://*:8080/", 2}}));
  CHECK_EQ(answer(table, {"name.example:8080", "/", 8080}), 1);
  CHECK_EQ(answer(table, {"NAME.Example", "/", 8080}), 1);
  CHECK_EQ(answer(table, {"name.example:", "/", 8080}), 1);
  CHECK_EQ(answer(table, {"name.example:80", "/", 8080}), 2);
  CHECK_EQ(answer(table, {"forwarded.example:443", "/", 8080}), 2);
  CHECK_EQ(answer(table, {"", "/", 8080}), 2);
  CHECK_EQ(answer(table, {"name.example:8080", "/", 8081}), -400);
}

TEST("URL-9: localhost is a name of its own") {
  const PrefixTable table(entries({{"http://localhost:80/", 1}}));
  CHECK_EQ(answer(table, {"LocalHost", "/"}), 1);
  CHECK_EQ(answer(table, {"127.0.0.1", "/"}), -400);
  CHECK_EQ(answer(table, {"", "/"}), -400);
}

TEST("section 2.5: an unknown or malformed host is 400, a known one without the path 404") {
  const PrefixTable table(entries({{"http://known.example:80/a/", 1}}));
  CHECK_EQ(answer(table, {"known.example", "/b"}), -404);
  CHECK_EQ(answer(table, {"unknown.example", "/a/"}), -400);
  CHECK_EQ(answer(table, {"known.example:x", "/a/"}), -400);
  const PrefixTable wildcard(entries({{"http://+:80/a/", 1}}));
  CHECK_EQ(answer(wildcard, {"unknown.example", "/b"}), -404);
  CHECK_EQ(answer(wildcard, {"bad host", "/a/"}), -400);
  CHECK_EQ(answer(wildcard, {"[::ffff:127.0.0.1]", "/a/"}), -400);
  CHECK_EQ(answer(PrefixTable({}), {"h", "/"}), -400);
}

TEST("URL-6: an address prefix goes by the local address, whatever the Host and the spelling") {
  const PrefixTable table(entries({{"http://127.0.0.1:80/", 1}, {"http://[::1]:80/", 2}, {"http://[2001:db8::1]:80/", 3}}));
  CHECK_EQ(answer(table, {"any.example:99", "/", 80, "127.0.0.1"}), 1);
  CHECK_EQ(answer(table, {"", "/", 80, "::ffff:127.0.0.1"}), 1);
  CHECK_EQ(answer(table, {"[::1]", "/", 80, "::1"}), 2);
  CHECK_EQ(answer(table, {"h", "/", 80, "2001:DB8:0:0:0:0:0:1"}), 3);
  CHECK_EQ(answer(table, {"127.0.0.1", "/", 80, "127.0.0.2"}), -400);
  CHECK_EQ(answer(table, {"127.0.0.1", "/", 80, ""}), -400);
}

TEST("URL-10: a left-most wildcard comes after the exact name, the longest first") {
  const PrefixTable table(entries({{"http://*.contoso.com:80/", 1}, {"http://www.contoso.com:80/a/", 2}, {"http://*.eu.contoso.com:80/",
      3}, {"http://*:80/", 4}}));
  CHECK_EQ(answer(table, {"www.contoso.com", "/a/x"}), 2);
  CHECK_EQ(answer(table, {"www.contoso.com", "/b"}), 1);
  CHECK_EQ(answer(table, {"x.Contoso.com", "/"}), 1);
  CHECK_EQ(answer(table, {"a.b.contoso.com", "/"}), 1);
  CHECK_EQ(answer(table, {"shop.eu.contoso.com", "/"}), 3);
  CHECK_EQ(answer(table, {"eu.contoso.com", "/"}), 1);
  CHECK_EQ(answer(table, {"contoso.com", "/"}), 4);
  CHECK_EQ(answer(table, {".contoso.com", "/"}), 4);
  CHECK_EQ(answer(table, {"notcontoso.com", "/"}), 4);
}

TEST("URL-4: a Unicode name is found by its punycode") {
  const PrefixTable table(entries({{"http://b\xC3\xBC" "cher.example:80/", 1}}));
  CHECK_EQ(answer(table, {"xn--bcher-kva.example", "/"}), 1);
  CHECK_EQ(answer(table, {"XN--Bcher-KVA.example:80", "/"}), 1);
  CHECK_EQ(answer(table, {"B\xC3\x9C" "CHER.example", "/"}), 1);
  CHECK_EQ(answer(table, {"bucher.example", "/"}), -400);
}

TEST("ROUTE-12: the asterisk form goes to the root prefix") {
  CHECK_EQ(answer(PrefixTable(entries({{"http://*:80/", 1}, {"http://*:80/a/", 2}})), {"h", "*"}), 1);
  CHECK_EQ(answer(PrefixTable(entries({{"http://*:80/a/", 2}})), {"h", "*"}), -404);
  CHECK_EQ(answer(PrefixTable(entries({{"http://*:80/", 1}})), {"h", ""}), 1);
}

TEST("scheme and port select the table") {
  const PrefixTable table(entries({{"http://*:80/", 1}, {"https://*:443/", 2}, {"http://*:81/", 3}}));
  CHECK_EQ(answer(table, {"h", "/", 80}), 1);
  CHECK_EQ(answer(table, {"h", "/", 81}), 3);
  CHECK_EQ(answer(table, {"h", "/", 443}, true), 2);
  CHECK_EQ(answer(table, {"h", "/", 443}), -400);
  CHECK_EQ(answer(table, {"h", "/", 80}, true), -400);
}

TEST("case is folded beyond ASCII, by the linear scan and by the hash alike") {
  for (const int extra : {0, 50}) {
    std::vector<UrlEntry> list = entries({{"http://*:80/CAF\xC3\x89/\xD0\x9C\xD0\x98\xD0\xA0/", 1}});
    for (int i = 0; i < extra; i++) list.push_back(entry("http://*:80/e" + std::to_string(i) + "/", 100));
    const PrefixTable table(list);
    CHECK_EQ(answer(table, {"h", "/caf\xC3\xA9/\xD0\xBC\xD0\xB8\xD1\x80"}), 1);
    CHECK_EQ(answer(table, {"h", "/Caf\xC3\x89/\xD0\x9C\xD0\xB8\xD1\x80/x"}), 1);
    CHECK_EQ(answer(table, {"h", "/caf\xC3\xA8/\xD0\xBC\xD0\xB8\xD1\x80"}), -404);
  }
}

TEST("of two equal prefixes the first counts") {
  std::vector<UrlEntry> list = entries({{"http://*:80/a/", 1}, {"http://*:80/a/", 2}});
  CHECK_EQ(answer(PrefixTable(list), {"h", "/a"}), 1);
  for (int i = 0; i < 20; i++) list.push_back(entry("http://*:80/e" + std::to_string(i) + "/", 100));
  CHECK_EQ(answer(PrefixTable(list), {"h", "/a"}), 1);
}

TEST("ROUTE-2: 10,000 prefixes, each finds its own") {
  std::vector<UrlEntry> list;
  for (uint32_t i = 0; i < 10000; i++) list.push_back(entry("http://*:80/app" + std::to_string(i % 100) + "/t" + std::to_string(i) + "/",
      i));
  const PrefixTable table(list);
  for (uint32_t i = 0; i < 10000; i++) {
    const std::string path = "/App" + std::to_string(i % 100) + "/T" + std::to_string(i);
    CHECK_EQ(answer(table, {"h", path}), static_cast<int>(i));
    CHECK_EQ(answer(table, {"h", path + "/x/y"}), static_cast<int>(i));
    CHECK_EQ(answer(table, {"h", path + "x"}), -404);
  }
}

namespace {

// The rule as the reference states it, over the whole list, with folded copies.
int model(const std::vector<UrlEntry>& list, const Request& request) {
  const size_t colon = request.host.find(':');
  std::string name;
  foldCase(request.host.substr(0, colon), &name);
  const int port = colon == std::string::npos ? request.port : std::stoi(request.host.substr(colon + 1));
  std::string path;
  foldCase(request.path, &path);
  if (path.back() != '/') path += '/';
  bool known = false;
  // Exact names and wildcards of decreasing length are steps of their own inside the explicit bucket.
  std::vector<std::pair<HostKind, std::string>> steps = {{HostKind::kStrong, ""}};
  if (port == request.port) {
    steps.push_back({HostKind::kExplicit, name});
    for (size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) steps.push_back({HostKind::kExplicit,
        "*" + name.substr(dot)});
  }
  steps.push_back({HostKind::kIp, request.local});
  steps.push_back({HostKind::kWeak, ""});
  for (const auto& step : steps) {
    const UrlEntry* best = nullptr;
    for (const UrlEntry& one : list) {
      if (one.https || one.port != request.port || one.kind != step.first || one.host != step.second) continue;
      known = true;
      if (path.compare(0, one.path.size(), one.path) == 0 && (best == nullptr || one.path.size() > best->path.size())) best = &one;
    }
    if (best != nullptr) return static_cast<int>(best->queueId);
  }
  return known ? -404 : -400;
}

}  // namespace

TEST("ROUTE-1 to ROUTE-4: random tables agree with the naive model") {
  std::mt19937 random(20240229);
  const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  const std::vector<std::string> segments = {"a", "B", "ab", "aB", "\xC3\x89", "\xC3\xA9t\xC3\x89", "a.b", "x1"};
  const std::vector<std::string> hosts = {"+", "*", "h.example", "x.h.example", "*.h.example", "*.example", "127.0.0.1", "10.0.0.1"};
  const std::vector<std::string> names = {"h.example", "X.h.example", "y.x.H.example", "example", "other", "127.0.0.1"};
  const auto path = [&](size_t depth) {
    std::string out = "/";
    for (size_t i = 0; i < depth; i++) out += segments[below(segments.size())] + "/";
    return out;
  };
  for (int round = 0; round < 400; round++) {
    std::vector<UrlEntry> list;
    const size_t count = round % 4 == 0 ? 60 + below(60) : 1 + below(12);
    for (size_t i = 0; i < count; i++) {
      const std::string port = below(4) == 0 ? "81" : "80";
      UrlEntry one = entry("http://" + hosts[below(hosts.size())] + ":" + port + path(below(4)), static_cast<uint32_t>(i));
      const bool taken = std::any_of(list.begin(), list.end(), [&](const UrlEntry& other) {
        return other.kind == one.kind && other.host == one.host && other.port == one.port && other.path == one.path;
      });
      if (!taken) list.push_back(one);
    }
    const PrefixTable table(list);
    for (int i = 0; i < 60; i++) {
      Request request;
      request.host = names[below(names.size())] + (below(3) == 0 ? ":80" : below(6) == 0 ? ":9999" : "");
      request.path = path(below(5));
      if (request.path.size() > 1 && below(2) == 0) request.path.pop_back();
      request.local = below(3) == 0 ? "10.0.0.1" : below(2) == 0 ? "127.0.0.1" : "10.9.9.9";
      CHECK_EQ(answer(table, request), model(list, request));
    }
  }
}
