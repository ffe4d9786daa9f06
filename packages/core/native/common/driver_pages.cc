#include "driver_pages.h"

#include "status_codes.h"

namespace httpsys {

namespace {

void appendPage(uint16_t status, std::string_view heading, std::string_view text, std::string* out) {
  out->append("<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\"\"http://www.w3.org/TR/html4/strict.dtd\">\r\n<HTML><HEAD><TITLE>");
  out->append(reasonPhrase(status));
  out->append("</TITLE>\r\n<META HTTP-EQUIV=\"Content-Type\" Content=\"text/html; charset=us-ascii\"></HEAD>\r\n<BODY><h2>");
  out->append(heading);
  out->append("</h2>\r\n<hr><p>HTTP Error ");
  out->append(std::to_string(status));
  out->append(". ");
  out->append(text);
  out->append("</p>\r\n</BODY></HTML>\r\n");
}

}  // namespace

std::string driverPage(uint16_t status, std::string_view heading, std::string_view text) {
  std::string page;
  appendPage(status, heading, text, &page);
  return page;
}

void appendDriverAnswer(const ParseError& error, std::string_view date, bool withBody, std::string* out) {
  const std::string page = driverPage(error.status, error.heading, error.text);
  out->append("HTTP/1.1 ");
  out->append(std::to_string(error.status));
  out->push_back(' ');
  out->append(reasonPhrase(error.status));
  out->append("\r\nContent-Type: text/html; charset=us-ascii\r\nDate: ");
  out->append(date);
  out->append("\r\nConnection: close\r\nContent-Length: ");
  out->append(std::to_string(page.size()));
  out->append("\r\n\r\n");
  if (withBody) out->append(page);
}

}  // namespace httpsys
