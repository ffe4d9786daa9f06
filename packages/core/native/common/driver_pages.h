// The pages an engine answers with when no application does (http-server-api.md section 2.5).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http_parser.h"

namespace httpsys {

// The HTML body alone. `heading` and `text` are the engine's own words, never a client's: they are not escaped.
std::string driverPage(uint16_t status, std::string_view heading, std::string_view text);

// Appends the whole answer: status line, Content-Type, Date, Connection: close, Content-Length, and the page unless `withBody` is false (an
// answer to HEAD). `date` is an IMF-fixdate, see http_date.h. The caller closes the connection behind it.
void appendDriverAnswer(const ParseError& error, std::string_view date, bool withBody, std::string* out);

}  // namespace httpsys
