#include "check.h"
#include "common/http_date.h"

using namespace httpsys;

namespace {

constexpr int64_t kNow = 1750000000;  // June 2025

std::string format(int64_t seconds) {
  char text[kHttpDateBytes];
  formatHttpDate(seconds, text);
  return std::string(text, kHttpDateBytes);
}

// -1 for what is not a date.
int64_t parse(std::string_view text, int64_t now = kNow) {
  int64_t seconds = -1;
  return parseHttpDate(text, now, &seconds) ? seconds : -1;
}

}  // namespace

TEST("dates are written as IMF-fixdate") {
  CHECK_EQ(format(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK_EQ(format(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK_EQ(format(951827696), "Tue, 29 Feb 2000 12:34:56 GMT");
  CHECK_EQ(format(4107542399), "Sun, 28 Feb 2100 23:59:59 GMT");
  CHECK_EQ(format(4107542400), "Mon, 01 Mar 2100 00:00:00 GMT");
  CHECK_EQ(format(kHttpDateSecondsMax), "Fri, 31 Dec 9999 23:59:59 GMT");
  CHECK_EQ(format(-5), format(0));
  CHECK_EQ(format(kHttpDateSecondsMax + 1), format(kHttpDateSecondsMax));
}

TEST("what is written is read back, over four centuries") {
  for (int64_t seconds = 0; seconds < 400ll * 366 * 86400; seconds += 86400ll * 13 + 3607) CHECK_EQ(parse(format(seconds)), seconds);
}

TEST("the two obsolete formats are read") {
  CHECK_EQ(parse("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
  CHECK_EQ(parse("Sun Nov  6 08:49:37 1994"), 784111777);
  CHECK_EQ(parse("Wed Nov 16 08:49:37 1994"), 784111777 + 10 * 86400);
}

TEST("a year of two digits is at most fifty years ahead") {
  CHECK_EQ(parse("Tuesday, 01-Jan-75 00:00:00 GMT"), parse("Tue, 01 Jan 2075 00:00:00 GMT"));
  CHECK_EQ(parse("Thursday, 01-Jan-76 00:00:00 GMT"), parse("Thu, 01 Jan 1976 00:00:00 GMT"));
}

TEST("a leap second is a second") { CHECK_EQ(parse("Sat, 31 Dec 2016 23:59:60 GMT"), parse("Sun, 01 Jan 2017 00:00:00 GMT")); }

TEST("anything else is not a date") {
  for (const char* text : {"", "x", "0", "784111777", "1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
                           "Sun, 06 Nov 1994 08:49:37 GMT ", " Sun, 06 Nov 1994 08:49:37 GMT", "sun, 06 Nov 1994 08:49:37 GMT",
                           "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 29 Feb 1995 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 0000 08:49:37 GMT",
                           "Sun, 06 Now 1994 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT", "Sunday 06-Nov-94 08:49:37 GMT", "Sunday", "Sunday,",
                           "Sun Nov 6 08:49:37 1994", "Sun Nov  6 08:49:37 94", "Sun Nov  6 08:49:37 1994 GMT", "-1", "Sun, -6 Nov 1994 08:49:37 GMT"}) {
    CHECK_EQ(parse(text), -1);
  }
}
