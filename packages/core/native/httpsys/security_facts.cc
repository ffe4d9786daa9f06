#include "httpsys/security_facts.h"

#include <sddl.h>

#include <algorithm>
#include <cstring>
#include <cwchar>
#include <memory>

#include "common/frames.h"
#include "httpsys/driver_limits.h"
#include "httpsys/http_functions.h"

namespace httpsys {
namespace driver {

namespace {

void appendBlock(std::string* out, uint16_t tag, std::string_view content) {
  uint8_t head[4];
  frames::store16(head, tag);
  frames::store16(head + 2, static_cast<uint16_t>(content.size()));
  out->append(reinterpret_cast<const char*>(head), sizeof head);
  out->append(content);
}

std::string utf8(const wchar_t* text, size_t length) {
  const int wide = static_cast<int>(std::min<size_t>(length, 4096));
  const int bytes = WideCharToMultiByte(CP_UTF8, 0, text, wide, nullptr, 0, nullptr, nullptr);
  std::string out(static_cast<size_t>(std::max(bytes, 0)), '\0');
  if (bytes > 0) WideCharToMultiByte(CP_UTF8, 0, text, wide, &out[0], bytes, nullptr, nullptr);
  return out;
}

const HTTP_REQUEST_INFO* infoOf(const HTTP_REQUEST& request, int type) {
  for (USHORT n = 0; n < request.RequestInfoCount; ++n) {
    if (static_cast<int>(request.pRequestInfo[n].InfoType) == type) return &request.pRequestInfo[n];
  }
  return nullptr;
}

void appendProtocol(std::string* out, const HTTP_REQUEST& request) {
  const HTTP_REQUEST_INFO* info = infoOf(request, api::kInfoSslProtocol);
  if (info == nullptr || info->InfoLength < sizeof(api::SslProtocolInfo)) return;
  api::SslProtocolInfo tls;
  std::memcpy(&tls, info->pInfo, sizeof tls);
  const ULONG values[] = {tls.protocol, tls.cipherType, tls.cipherStrength, tls.hashType, tls.hashStrength, tls.keyExchangeType,
                          tls.keyExchangeStrength};
  uint8_t content[sizeof values];
  uint8_t* at = content;
  for (const ULONG value : values) {
    frames::store32(at, value);
    at += 4;
  }
  appendBlock(out, frames::kBlockTls, std::string_view(reinterpret_cast<const char*>(content), sizeof content));
}

void appendServerName(std::string* out, HANDLE queue, HTTP_REQUEST_ID id) {
  if (!capabilities().requestProperties) return;
  api::SniProperty sni{};
  ULONG returned = 0;
  // Answered from what the driver has; systems without the property say so (section 3.6).
  const ULONG code = functions().QueryRequestProperty(queue, id, api::kRequestPropertySni, nullptr, 0, &sni, sizeof sni, &returned, nullptr);
  if (code != NO_ERROR || (sni.flags & api::kSniUsed) == 0) return;
  sni.hostname[255] = 0;
  appendBlock(out, frames::kBlockServerName, utf8(sni.hostname, std::wcslen(sni.hostname)));
}

void appendCertificate(std::string* out, const HTTP_SSL_CLIENT_CERT_INFO* certificate) {
  if (certificate == nullptr || certificate->CertEncodedSize == 0 || certificate->CertEncodedSize > limits::kCertificateBytesMax) return;
  std::string content(4, '\0');
  frames::store32(reinterpret_cast<uint8_t*>(&content[0]), certificate->CertFlags);
  content.append(reinterpret_cast<const char*>(certificate->pCertEncoded), certificate->CertEncodedSize);
  appendBlock(out, frames::kBlockClientCertificate, content);
}

// The user of a token: SID as text, and the SID itself in `buffer`.
PSID sidOf(HANDLE token, std::unique_ptr<uint64_t[]>* buffer) {
  DWORD bytes = 0;
  GetTokenInformation(token, TokenUser, nullptr, 0, &bytes);
  if (bytes == 0) return nullptr;
  buffer->reset(new uint64_t[bytes / sizeof(uint64_t) + 1]);
  if (!GetTokenInformation(token, TokenUser, buffer->get(), bytes, &bytes)) return nullptr;
  return reinterpret_cast<TOKEN_USER*>(buffer->get())->User.Sid;
}

std::string sidText(PSID sid) {
  LPWSTR text = nullptr;
  if (!ConvertSidToStringSidW(sid, &text)) return std::string();
  const std::string out = utf8(text, std::wcslen(text));
  LocalFree(text);
  return out;
}

}  // namespace

std::string connectionBlocks(HANDLE queue, const HTTP_REQUEST& request, const HTTP_SSL_CLIENT_CERT_INFO* certificate) {
  std::string out;
  if (request.pSslInfo == nullptr) return out;
  appendProtocol(&out, request);
  appendServerName(&out, queue, request.RequestId);
  const HTTP_SSL_CLIENT_CERT_INFO* const shown = request.pSslInfo->pClientCertInfo;
  appendCertificate(&out, shown != nullptr ? shown : certificate);
  return out;
}

const std::string& UserNames::nameOf(const std::string& text, PSID sid) {
  const auto found = names_.find(text);
  if (found != names_.end()) return found->second;
  if (names_.size() >= limits::kNamesKept) names_.clear();
  WCHAR name[256];
  WCHAR domain[256];
  DWORD nameLength = 256;
  DWORD domainLength = 256;
  SID_NAME_USE use;
  std::string full;
  if (LookupAccountSidW(nullptr, sid, name, &nameLength, domain, &domainLength, &use)) {
    full = utf8(domain, domainLength) + (domainLength > 0 ? "\\" : "") + utf8(name, nameLength);
  }
  return names_.emplace(text, std::move(full)).first->second;
}

UserFacts userOf(const HTTP_REQUEST& request, UserNames* names) {
  UserFacts user;
  const HTTP_REQUEST_INFO* info = infoOf(request, api::kInfoAuth);
  if (info == nullptr || info->InfoLength < offsetof(api::RequestAuthInfo, contextAttributes)) return user;
  api::RequestAuthInfo auth{};
  std::memcpy(&auth, info->pInfo, std::min<size_t>(info->InfoLength, sizeof auth));
  user.present = true;
  user.known = auth.authStatus == HttpAuthStatusSuccess;
  std::string sid;
  std::string name;
  if (auth.accessToken != nullptr) {
    std::unique_ptr<uint64_t[]> buffer;
    if (PSID found = sidOf(auth.accessToken, &buffer)) {
      sid = sidText(found);
      name = names->nameOf(sid, found);
    }
    CloseHandle(auth.accessToken);
  }
  std::string content(4, '\0');
  content[0] = static_cast<char>(auth.authStatus);
  content[1] = static_cast<char>(auth.authType);
  frames::store16(reinterpret_cast<uint8_t*>(&content[2]), static_cast<uint16_t>(sid.size()));
  appendBlock(&user.block, frames::kBlockUser, content + sid + name);
  return user;
}

std::string factsBlocks(const HTTP_REQUEST& request, const UserFacts& user) {
  std::string out;
  const bool http3 = (request.Flags & api::kRequestHttp3) != 0;
  if (http3 || (request.Flags & api::kRequestHttp2) != 0) {
    const char version[] = {http3 ? '\3' : '\2', '\0'};
    appendBlock(&out, frames::kBlockVersion, std::string_view(version, sizeof version));
  }
  return out + user.block;
}

}  // namespace driver
}  // namespace httpsys
