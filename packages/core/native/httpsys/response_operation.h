// One send of a response: what the system reads until the send has ended (IO-6).
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "common/byte_buffer.h"
#include "common/http_parser.h"
#include "httpsys/file_handle.h"
#include "httpsys/mailboxes.h"
#include "httpsys/operation.h"

namespace httpsys {
namespace driver {

class Exchange;

class ResponseOperation final : public Operation {
 public:
  explicit ResponseOperation(Exchange* exchange) : exchange_(exchange) {}

  // Forgets the response before.
  void reset();

  // Bytes that the send will point into: copied when small, else their batch is held.
  std::string_view retain(std::string_view bytes, const std::shared_ptr<Batch>& batch);

  struct Head {
    uint16_t status = 200;
    std::string_view reason;  // empty: the standard phrase
    std::string_view block;   // valid, see scanResponseHead
    std::string_view connection;  // replaces the application's field when not empty
    bool http2 = false;
    bool opaque = false;  // the connection leaves HTTP with it
    bool dropContentLength = false;
    bool chunked = false;
  };
  // Takes the head apart into known and unknown headers; false when it has more fields than a response can hold.
  bool setHead(const Head& head);
  // Seconds to live, 0 for until flushed; negative for none.
  void setPolicy(int64_t seconds);
  // One value for each scheme, which the driver completes (AUTH-3).
  void setChallenges(const std::vector<std::string_view>& schemes);
  void setTrailers(std::string_view block);

  void addChunk(std::string_view bytes);
  // The bytes of a chunk of chunked coding; they must stay where they are.
  void addFramedChunk(std::string_view bytes);
  // The file of a chunk to come; false: there is no such file.
  bool openFile(std::string_view path) { return file_.open(path); }
  // False: the name is no text.
  bool addFragmentChunk(std::string_view name);
  void addFileChunk(uint64_t offset, uint64_t length);
  size_t chunkCount() const { return chunkCount_; }

  // The body of this send; `swap` fills it without a copy.
  ByteBuffer body;
  void sendHead(ULONG flags);
  void sendBody(ULONG flags);

  void completed(ULONG error, ULONG bytes, bool atOnce) override;

 private:
  void addField(const HeaderField& field, const Head& head);
  void addUnknown(std::string_view name, std::string_view value);
  void setKnown(int id, std::string_view value);
  void clearChunks();

  static constexpr size_t kChunksMax = 4;

  Exchange* exchange_;
  HTTP_RESPONSE response_{};
  HTTP_CACHE_POLICY policy_{};
  bool hasPolicy_ = false;
  bool ownChallenge_ = false;  // the program has its own WWW-Authenticate
  std::vector<HTTP_UNKNOWN_HEADER> unknown_;
  std::vector<HTTP_KNOWN_HEADER> challenges_;
  std::vector<HTTP_UNKNOWN_HEADER> trailers_;
  HTTP_MULTIPLE_KNOWN_HEADERS multiple_{};
  HTTP_RESPONSE_INFO info_{};
  HTTP_DATA_CHUNK chunks_[kChunksMax];
  size_t chunkCount_ = 0;
  char chunkSize_[18];
  ByteBuffer copied_;
  std::shared_ptr<Batch> held_;
  FileHandle file_;
  std::u16string fragment_;
};

}  // namespace driver
}  // namespace httpsys
