// A URL as administrators and programs write it, as the key of the output cache.
#pragma once

#include <string>
#include <string_view>

namespace httpsys {

// The host may be a wildcard, which becomes `*`. False: it is no URL.
bool urlKey(std::string_view url, std::string* key);

}  // namespace httpsys
