#include <cctype>
#include <set>

#include "check.h"
#include "common/driver_pages.h"
#include "common/header_names.h"
#include "common/http_errors.h"
#include "common/http_methods.h"
#include "common/status_codes.h"

using namespace httpsys;

TEST("every known name is found in its canonical, its lower-case and any other spelling") {
  for (uint8_t id = 1; id <= names::kCount; ++id) {
    const std::string_view canonical = names::kCanonical[id];
    CHECK_EQ(int(names::lookup(canonical).id), int(id));
    CHECK_EQ(names::lookup(canonical).spelling, names::Spelling::kCanonical);
    CHECK_EQ(int(names::lookup(canonical).frameId()), int(id));
    CHECK_EQ(int(names::lookup(names::kLower[id]).frameId()), id | names::kLowerCaseBit);
    std::string mixed(canonical);
    for (size_t i = 0; i < mixed.size(); ++i) mixed[i] = static_cast<char>(i % 2 == 0 ? std::tolower(mixed[i]) : std::toupper(mixed[i]));
    if (mixed == canonical || mixed == names::kLower[id]) continue;
    CHECK_EQ(int(names::lookup(mixed).id), int(id));
    CHECK_EQ(names::lookup(mixed).spelling, names::Spelling::kOther);
    CHECK_EQ(int(names::lookup(mixed).frameId()), 0);
  }
}

TEST("what differs from a known name by one byte is not known") {
  for (uint8_t id = 1; id <= names::kCount; ++id) {
    const std::string_view lower = names::kLower[id];
    for (size_t i = 0; i < lower.size(); ++i) {
      for (const int bits : {0x01, 0x20, 0x40, 0x80}) {
        std::string other(lower);
        other[i] = static_cast<char>(other[i] ^ bits);
        if (bits == 0x20 && std::isalpha(static_cast<unsigned char>(lower[i]))) continue;  // that is the upper-case letter
        const uint8_t found = names::lookup(other).id;
        CHECK(found == 0 || names::equalsLower(other, names::kLower[found]));
      }
    }
    CHECK_EQ(int(names::lookup(lower.substr(1)).id) == int(id), false);
    CHECK_EQ(int(names::lookup(std::string(lower) + "s").id) == int(id), false);
  }
  CHECK_EQ(int(names::lookup("").id), 0);
  CHECK_EQ(int(names::lookup("a").id), 0);
  CHECK_EQ(int(names::lookup(std::string(1000, 'a')).id), 0);
}

TEST("canonical and lower-case spellings are one name, and no name is listed twice") {
  std::set<std::string_view> seen;
  for (uint8_t id = 1; id <= names::kCount; ++id) {
    CHECK(names::equalsLower(names::kCanonical[id], names::kLower[id]));
    CHECK(seen.insert(names::kLower[id]).second);
  }
}

TEST("methods have one code each, and case matters") {
  for (uint8_t code = 1; code <= methods::kCount; ++code) CHECK_EQ(int(methods::lookup(methods::kNames[code])), int(code));
  CHECK_EQ(int(methods::kGet), 1);
  CHECK_EQ(int(methods::kPatch), 7);
  CHECK_EQ(int(methods::lookup("get")), 0);
  CHECK_EQ(int(methods::lookup("")), 0);
}

TEST("reason phrases are Node's") {
  CHECK_EQ(reasonPhrase(200), "OK");
  CHECK_EQ(reasonPhrase(413), "Payload Too Large");
  CHECK_EQ(reasonPhrase(418), "I'm a Teapot");
  CHECK_EQ(reasonPhrase(299), "");
}

TEST("driver pages have the known lengths (reference section 2.5)") {
  const auto length = [](const ParseError& error) { return driverPage(error.status, error.heading, error.text).size(); };
  CHECK_EQ(length(errors::kInvalidHost), 334u);
  CHECK_EQ(length(errors::kNotFound), 315u);
  CHECK_EQ(length(errors::kUnavailable), 326u);
  CHECK_EQ(length(errors::kInvalidUrl), 324u);
  CHECK_EQ(length(errors::kInvalidVerb), 326u);
  CHECK_EQ(length(errors::kInvalidHeader), 339u);
  CHECK_EQ(length(errors::kBadRequest), 311u);
  CHECK_EQ(length(errors::kLengthRequired), 344u);
  CHECK_EQ(driverPage(400, "Bad Request - Request Too Long", errors::kHeadTooLong.text).size(), 346u);
}

TEST("a driver answer is a complete response that closes the connection") {
  std::string answer = "before";
  appendDriverAnswer(errors::kNotFound, "Sun, 06 Nov 1994 08:49:37 GMT", true, &answer);
  const std::string page = driverPage(404, "Not Found", "The requested resource is not found.");
  CHECK_EQ(answer,
           "beforeHTTP/1.1 404 Not Found\r\nContent-Type: text/html; charset=us-ascii\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
           "Connection: close\r\nContent-Length: 315\r\n\r\n" + page);
  std::string head;
  appendDriverAnswer(errors::kNotFound, "Sun, 06 Nov 1994 08:49:37 GMT", false, &head);
  CHECK_EQ("before" + head + page, answer);
}
