// The cooked path, the Host field and case folding.
#include "portable/cooked_url.h"

#include <fstream>
#include <string>

#include "check.h"
#include "portable/host_name.h"

using namespace httpsys;

namespace {

constexpr const char* kRefused = "<400>";

std::string cook(std::string_view path, bool* ambiguous = nullptr) {
  std::string scratch;
  std::string_view out;
  return cookPath(path, CookedPathLimits(), &scratch, &out, ambiguous) ? std::string(out) : std::string(kRefused);
}

bool isAmbiguous(std::string_view path) {
  bool ambiguous = false;
  CHECK(cook(path, &ambiguous) != kRefused);
  return ambiguous;
}

struct Split {
  bool good;
  std::string name;
  uint16_t port;
};

Split split(std::string_view host) {
  std::string_view name;
  uint16_t port = 1;
  const bool good = splitHost(host, &name, &port);
  return Split{good, std::string(name), port};
}

struct Pair {
  const char* input;
  const char* output;
};

}  // namespace

TEST("ROUTE-10: a canonical path is handed back without a copy") {
  for (const std::string path : {"/", "/a", "/a/", "/hello/world.html", "/a.b/c..d/x.", "/a/b/c/?", "/~u/(1)/a@b:c;d=e,f!$&'*+"}) {
    std::string scratch = "untouched";
    std::string_view out;
    CHECK(cookPath(path, CookedPathLimits(), &scratch, &out));
    CHECK(out.data() == path.data());
    CHECK_EQ(out.size(), path.size());
    CHECK_EQ(scratch, std::string("untouched"));
  }
}

TEST("ROUTE-10: escapes, backslashes, doubled slashes and dot segments are resolved in this order") {
  const Pair table[] = {
      {"/base/call//../bat", "/base/bat"},
      {"/a/d/../b/c", "/a/b/c"},
      {"///base/path1", "/base/path1"},
      {"//a/b//c", "/a/b/c"},
      {"/a%2Fb", "/a/b"},
      {"/a%2fb%2F%2fc", "/a/b/c"},
      {"/a\\b", "/a/b"},
      {"/a%5Cb", "/a/b"},
      {"/a\\/b", "/a/b"},
      {"/%2E%2e/a", "/a"},
      {"/a/%2e%2E/b", "/b"},
      {"/a/.%2e/b", "/b"},
      {"/a/..%2Fb", "/b"},
      {"/a/./b/.", "/a/b/"},
      {"/a/b/..", "/a/"},
      {"/..", "/"},
      {"/../../a", "/a"},
      {"/.", "/"},
      {"/...", "/..."},
      {"/.well-known/x", "/.well-known/x"},
      {"/..a/.b./c..", "/..a/.b./c.."},
      {"/a/../../../b/./../c/", "/c/"},
      {"/%252F", "/%2F"},
      {"/%25", "/%"},
      {"/%20", "/ "},
      {"/a%3Fb", "/a?b"},
      {"/%7E%41", "/~A"},
      {"", "/"},
      {"*", "*"},
  };
  for (const Pair& row : table) CHECK_EQ(cook(row.input), std::string(row.output));
}

TEST("PARSE-5: malformed escapes, spaces, control characters and foreign forms are refused") {
  const std::string_view table[] = {
      "/%", "/%F", "/%XY", "/%%32", "/%4", "/a%", "/%F0%8F%8F%BF", "/ ", "/a b", "/%00", "/%01", "/%1F", "/%09", "/%0A", "/%7F",
      "/%C2%80", "/%C2%9F", "/%81", "/\t", "/\n", "/\x7f", "/%u", "/%u12", "/%u12G4", "/%uD800", "/%uD800x", "/%uD800%u0041", "/%uDC00",
      "/%u0000", "/%u000A", "/%u0085", "a", "a/b", "**", "\\a", "%2Fa", "http://a/",
  };
  for (const std::string_view path : table) CHECK_EQ(cook(path), std::string(kRefused));
  CHECK_EQ(cook(std::string_view("/a\0b", 4)), std::string(kRefused));
}

TEST("PARSE-6: escapes are UTF-8 first, then windows-1252, and %uNNNN is taken") {
  const Pair table[] = {
      {"/caf%C3%A9", "/caf\xC3\xA9"},
      {"/caf\xC3\xA9", "/caf\xC3\xA9"},
      {"/caf%E9", "/caf\xC3\xA9"},
      {"/caf\xE9", "/caf\xC3\xA9"},
      {"/%C0%A4", "/\xC3\x80\xC2\xA4"},
      {"/%80", "/\xE2\x82\xAC"},
      {"/%C3%A9/%E9", "/\xC3\x83\xC2\xA9/\xC3\xA9"},  // one reading for the whole path
      {"/%u00e9", "/\xC3\xA9"},
      {"/%u20AC", "/\xE2\x82\xAC"},
      {"/%uD83D%uDE00", "/\xF0\x9F\x98\x80"},
      {"/%u002F%u002e%u002E/a", "/a"},
  };
  for (const Pair& row : table) CHECK_EQ(cook(row.input), std::string(row.output));
  // An overlong slash or dot must not become one.
  CHECK_EQ(cook("/a%C0%AF..%C0%AFb"), std::string("/a\xC3\x80\xC2\xAF..\xC3\x80\xC2\xAF" "b"));
  CHECK(cook("/%ED%A0%80").find("\xED\xA0\x80") == std::string::npos);
}

TEST("UrlSegmentMaxLength and UrlSegmentMaxCount are counted on the cooked path") {
  CHECK_EQ(cook("/" + std::string(260, 'a')).size(), size_t{261});
  CHECK_EQ(cook("/" + std::string(261, 'a')), std::string(kRefused));
  CHECK_EQ(cook("/" + std::string(261, 'a') + "/b"), std::string(kRefused));
  CHECK_EQ(cook("/" + std::string(261, 'a') + "/../b"), std::string("/b"));
  CHECK_EQ(cook("/%61" + std::string(260, 'a')), std::string(kRefused));
  std::string wide = "/";
  for (int i = 0; i < 260; i++) wide += "%C3%A9";
  CHECK(cook(wide) != kRefused);
  CHECK_EQ(cook(wide + "x"), std::string(kRefused));
  std::string astral = "/";
  for (int i = 0; i < 130; i++) astral += "%F0%9F%98%80";
  CHECK(cook(astral) != kRefused);
  CHECK_EQ(cook(astral + "x"), std::string(kRefused));
  std::string deep;
  for (int i = 0; i < 255; i++) deep += "/a";
  CHECK_EQ(cook(deep), deep);
  CHECK_EQ(cook(deep + "/a"), std::string(kRefused));
  CHECK_EQ(cook(deep + "/%61"), std::string(kRefused));
  CHECK_EQ(cook(deep + "/.."), deep.substr(0, deep.size() - 1));
}

TEST("a path that the application may read differently is told apart") {
  for (const char* path : {"/a%2Fb", "/a\\b", "/a%5Cb", "/a//b", "/a/./b", "/a/../b", "/%2e/a", "/%41", "/a%40b", "/%u00e9", "/%E9", "//",
      "/a/.."}) {
    CHECK(isAmbiguous(path));
  }
  for (const char* path : {"/", "/a/b", "/caf%C3%A9", "/caf\xC3\xA9", "/a%20b", "/a%25b", "/a%3Fb", "/.well-known/x",
      "/a.b"}) CHECK(!isAmbiguous(path));
}

TEST("cooking a cooked path that needs no escape changes nothing") {
  for (const char* path : {"/base/call//../bat", "/a%2fb%2F%2fc", "/caf%E9/x/..", "/a/./b/.", "/..\\..%5c"}) {
    const std::string once = cook(path);
    CHECK(once != kRefused);
    CHECK_EQ(cook(once), once);
  }
}

TEST("ROUTE-9: a Host is split into name and port") {
  const struct {
    const char* host;
    const char* name;
    uint16_t port;
  } table[] = {{"a", "a", 0},           {"a:80", "a", 80},       {"A.b-c_d~e:65535", "A.b-c_d~e", 65535}, {"a:", "a", 0},
               {"", "", 0},             {"127.0.0.1:8080", "127.0.0.1", 8080}, {"[::1]", "::1", 0},       {"[::1]:81", "::1", 81},
               {"[2001:DB8::1]:", "2001:DB8::1", 0}, {"b\xC3\xBC" "cher.de:1", "b\xC3\xBC" "cher.de", 1}, {"a:00080", "a", 80}};
  for (const auto& row : table) {
    const Split got = split(row.host);
    CHECK(got.good);
    CHECK_EQ(got.name, std::string(row.name));
    CHECK_EQ(got.port, row.port);
  }
}

TEST("ROUTE-9, URL-7: a malformed Host is refused") {
  for (const char* host : {":80", "a:0", "a:65536", "a:123456", "a:8 0", "a:-1", "a:+1", "a b", "a/b", "a@b", "*", "+", "*.a", "a,b",
      "a:80:80", "[", "[]", "[::1",
                           "::1", "[::1]x", "[::1]:x", "[1.2.3.4]", "[::ffff:1.2.3.4]", "[::FFFF:102:304]", "[fe80::1%eth0]",
                               "[fe80::1%25eth0]", "a%41", "a\"b", "\xFF",
                           "a\xC3", "\xC2\x85", "<a>", "a\\b", "a?b", "a#b"}) {
    CHECK(!split(host).good);
  }
  CHECK(split(std::string(255, 'a')).good);
  CHECK(!split(std::string(256, 'a')).good);
}

TEST("URL-1: folding agrees with the table that TypeScript is held to") {
  const std::string here = __FILE__;
  std::ifstream file(here.substr(0, here.find_last_of("/\\") + 1) + "../fixtures/fold.txt", std::ios::binary);
  CHECK(file.good());
  std::string line;
  size_t rows = 0;
  while (std::getline(file, line)) {
    if (line.empty() || line.rfind("# ", 0) == 0) continue;
    const size_t tab = line.find('\t');
    CHECK(tab != std::string::npos);
    std::string folded;
    foldCase(std::string_view(line).substr(0, tab), &folded);
    CHECK_EQ(folded, line.substr(tab + 1));
    std::string again;
    foldCase(folded, &again);
    CHECK_EQ(again, folded);
    rows++;
  }
  CHECK(rows > 200);
}

TEST("folding copies what is no character") {
  for (const std::string text : {"\xC3", "\xC3\x41", "\x80\x80", "\xE0\xC3\x89", "\xFF\xFE", "\xD0"}) {
    std::string folded;
    foldCase(text, &folded);
    CHECK_EQ(folded.size(), text.size());
  }
  std::string folded;
  foldCase("\xC3" "A", &folded);
  CHECK_EQ(folded, std::string("\xC3" "a"));
}

TEST("URL-4: Unicode host names have an ASCII form") {
  CHECK_EQ(toAsciiHost("b\xC3\xBC" "cher.example"), std::string("xn--bcher-kva.example"));
  CHECK_EQ(toAsciiHost("www.m\xC3\xBCnchen.de"), std::string("www.xn--mnchen-3ya.de"));
  CHECK_EQ(toAsciiHost("\xE4\xBE\x8B\xE3\x81\x88.jp"), std::string("xn--r8jz45g.jp"));
  CHECK_EQ(toAsciiHost("\xD0\xBF\xD1\x80\xD0\xB8\xD0\xBC\xD0\xB5\xD1\x80"), std::string("xn--e1afmkfd"));
  CHECK_EQ(toAsciiHost("plain.example"), std::string());
  CHECK_EQ(toAsciiHost("\xC3"), std::string());
}
