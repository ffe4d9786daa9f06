#include "http_date.h"

#include <cstring>

namespace httpsys {

namespace {

constexpr char kDays[] = "SunMonTueWedThuFriSat";
constexpr char kMonths[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr std::string_view kLongDays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
constexpr int64_t kDaySeconds = 86400;

// Days since 1970-01-01 of a date of the Gregorian calendar. Years begin in March here, so that a leap day is the last of its year.
int64_t daysFromDate(int64_t year, int month, int day) {
  const int64_t y = month <= 2 ? year - 1 : year;
  const int64_t shifted = month <= 2 ? month + 9 : month - 3;
  const int64_t dayOfYear = (153 * shifted + 2) / 5 + day - 1;
  return y * 365 + y / 4 - y / 100 + y / 400 + dayOfYear - 719468;
}

struct Date {
  int64_t year = 0;
  int month = 0, day = 0;
};

Date dateFromDays(int64_t days) {
  // Correct a year that was estimated from its mean length: off by one at most.
  int64_t year = 1970 + days * 400 / 146097;
  while (daysFromDate(year, 1, 1) > days) --year;
  while (daysFromDate(year + 1, 1, 1) <= days) ++year;
  int month = 12;
  while (daysFromDate(year, month, 1) > days) --month;
  return Date{year, month, static_cast<int>(days - daysFromDate(year, month, 1)) + 1};
}

void twoDigits(char* out, int value) {
  out[0] = static_cast<char>('0' + value / 10);
  out[1] = static_cast<char>('0' + value % 10);
}

bool isLeap(int64_t year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

int daysOfMonth(int64_t year, int month) {
  if (month == 2) return isLeap(year) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

// Reads a date piece by piece; once something does not fit, `ok` stays false.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  void literal(std::string_view expected) {
    if (text_.substr(0, expected.size()) != expected) ok_ = false;
    else text_.remove_prefix(expected.size());
  }

  int number(size_t digits) {
    int value = 0;
    if (text_.size() < digits) ok_ = false;
    for (size_t i = 0; ok_ && i < digits; ++i) {
      const char c = text_[i];
      if (c < '0' || c > '9') ok_ = false;
      value = value * 10 + (c - '0');
    }
    if (ok_) text_.remove_prefix(digits);
    return ok_ ? value : 0;
  }

  // A day of asctime's format: two characters, the first of which may be a space.
  int spacedNumber() {
    if (!text_.empty() && text_[0] == ' ') {
      text_.remove_prefix(1);
      return number(1);
    }
    return number(2);
  }

  // Index of a three-letter name in a run of them.
  int name(const char* names, int count) {
    for (int i = 0; ok_ && i < count; ++i) {
      if (text_.substr(0, 3) == std::string_view(names + i * 3, 3)) {
        text_.remove_prefix(3);
        return i;
      }
    }
    ok_ = false;
    return 0;
  }

  bool ok() const { return ok_; }
  bool atEnd() const { return text_.empty(); }

 private:
  std::string_view text_;
  bool ok_ = true;
};

struct Parts {
  int64_t year = 0;
  int month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

void readTime(Reader* reader, Parts* parts) {
  parts->hour = reader->number(2);
  reader->literal(":");
  parts->minute = reader->number(2);
  reader->literal(":");
  parts->second = reader->number(2);
}

bool readImfFixdate(std::string_view text, Parts* parts) {
  Reader reader(text);
  reader.name(kDays, 7);
  reader.literal(", ");
  parts->day = reader.number(2);
  reader.literal(" ");
  parts->month = reader.name(kMonths, 12) + 1;
  reader.literal(" ");
  parts->year = reader.number(4);
  reader.literal(" ");
  readTime(&reader, parts);
  reader.literal(" GMT");
  return reader.ok() && reader.atEnd();
}

bool readRfc850(std::string_view text, int64_t nowSeconds, Parts* parts) {
  const size_t comma = text.find(',');
  bool known = false;
  for (std::string_view day : kLongDays) known = known || text.substr(0, comma) == day;
  if (!known || comma == std::string_view::npos) return false;
  Reader reader(text.substr(comma));
  reader.literal(", ");
  parts->day = reader.number(2);
  reader.literal("-");
  parts->month = reader.name(kMonths, 12) + 1;
  reader.literal("-");
  const int shortYear = reader.number(2);
  reader.literal(" ");
  readTime(&reader, parts);
  reader.literal(" GMT");
  if (nowSeconds < 0) nowSeconds = 0;
  if (nowSeconds > kHttpDateSecondsMax) nowSeconds = kHttpDateSecondsMax;
  const int64_t thisYear = dateFromDays(nowSeconds / kDaySeconds).year;
  parts->year = thisYear - thisYear % 100 + shortYear;
  if (parts->year > thisYear + 50) parts->year -= 100;
  return reader.ok() && reader.atEnd();
}

bool readAsctime(std::string_view text, Parts* parts) {
  Reader reader(text);
  reader.name(kDays, 7);
  reader.literal(" ");
  parts->month = reader.name(kMonths, 12) + 1;
  reader.literal(" ");
  parts->day = reader.spacedNumber();
  reader.literal(" ");
  readTime(&reader, parts);
  reader.literal(" ");
  parts->year = reader.number(4);
  return reader.ok() && reader.atEnd();
}

}  // namespace

void formatHttpDate(int64_t unixSeconds, char* out) {
  if (unixSeconds < 0) unixSeconds = 0;
  if (unixSeconds > kHttpDateSecondsMax) unixSeconds = kHttpDateSecondsMax;
  const int64_t days = unixSeconds / kDaySeconds;
  const int time = static_cast<int>(unixSeconds % kDaySeconds);
  const Date date = dateFromDays(days);
  std::memcpy(out, "ddd, DD MMM YYYY hh:mm:ss GMT", kHttpDateBytes);
  std::memcpy(out, kDays + (days + 4) % 7 * 3, 3);  // 1970 began on a Thursday
  twoDigits(out + 5, date.day);
  std::memcpy(out + 8, kMonths + (date.month - 1) * 3, 3);
  twoDigits(out + 12, static_cast<int>(date.year / 100));
  twoDigits(out + 14, static_cast<int>(date.year % 100));
  twoDigits(out + 17, time / 3600);
  twoDigits(out + 20, time / 60 % 60);
  twoDigits(out + 23, time % 60);
}

bool parseHttpDate(std::string_view text, int64_t nowSeconds, int64_t* unixSeconds) {
  Parts parts;
  if (!readImfFixdate(text, &parts) && !readRfc850(text, nowSeconds, &parts) && !readAsctime(text, &parts)) return false;
  if (parts.year < 1 || parts.day < 1 || parts.day > daysOfMonth(parts.year, parts.month)) return false;
  // Second 60 is a leap second, which the grammar allows.
  if (parts.hour > 23 || parts.minute > 59 || parts.second > 60) return false;
  *unixSeconds = daysFromDate(parts.year, parts.month, parts.day) * kDaySeconds + parts.hour * 3600 + parts.minute * 60 + parts.second;
  return true;
}

}  // namespace httpsys
