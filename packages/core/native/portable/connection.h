// A client's socket and what happens on it: heads are parsed and routed, bodies and responses streamed, one exchange at a time.
//
// The subject is spread over nine files: connection.cc (the socket: its life, reading, ends), output_path.cc (writing), connection_deadlines.cc,
// request_path.cc (heads: routing, cache, delivery), body_path.cc (request bodies), response_path.cc (frames of the application that answer), file_path.cc (files
// as bodies), opaque_path.cc (after an upgrade or CONNECT), client_error.cc (malformed requests that a program wants to answer).
#pragma once

#include <uv.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "common/byte_buffer.h"
#include "common/frames.h"
#include "common/http_parser.h"
#include "portable/cache.h"
#include "portable/exchange.h"
#include "portable/file_source.h"
#include "portable/socket_calls.h"
#include "portable/timers.h"

namespace httpsys {

class Channel;
class IoThread;
class QueueShard;
struct CacheRequestFields;
struct QueueSettings;
struct RouteTarget;

class Connection final : public Timed {
 public:
  explicit Connection(IoThread* thread) : thread_(thread) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Takes over an accepted, non-blocking socket. False: the socket was closed.
  bool open(Socket socket, uint32_t id, uint32_t routeKey);

  uint32_t id() const { return id_; }
  Connection* nextConnection() const { return next_; }
  QueueShard* lastShard() const { return shard_; }
  bool closed() const { return closed_; }
  // A program that has the port for itself, and wants to, hears of the client now; else with its first request.
  void greet();
  // After an upgrade or CONNECT the bytes are the application's, and no rule of HTTP holds.
  bool isTaken() const { return exchange_ != nullptr && exchange_->taken; }

  // Writes what is pending, goes on with what the client sent ahead, and brings deadline and interest up to date.
  void settle();
  void onDeadline() override;
  // No reset, no page, no word: for the end of the engine.
  void close();

  // From the queue, the channel, the cache. All are about the current exchange.
  void deliverWaiting(Exchange* exchange, Channel* channel);
  void refuse(const ParseError& error);
  void retryCache();
  void channelEnded();
  void channelRelieved();
  bool knows(const Channel* channel) const;
  void forgetChannel(const Channel* channel);
  void closeFor(const Channel* channel, uint8_t flags);
  // The queue is gone: nothing may point to its shard any more.
  void forgetShard(const QueueShard* shard);

  // Frames of the application. False: the response window was overrun.
  static bool responseFrameFits(const uint8_t* body, size_t length);
  bool onResponse(const frames::Header& header, const uint8_t* body, size_t length);
  void onInformational(uint16_t status, std::string_view block);
  bool onData(bool end, std::string_view bytes);
  void onEnd(bool keepBody, std::string_view trailers);
  void onBodyCredit(uint32_t count);
  bool onOpaque(uint8_t flags, std::string_view bytes);
  void onCancel();
  // For a client that was handed over.
  void onRaw(const Channel* channel, bool last, std::string_view bytes);

 private:
  friend class IoThread;
  static constexpr uint8_t kInterestUnset = 0x80;
  static constexpr size_t kDescriptionBytesMax = 8 + 2 * 46;
  enum class Deadline : uint8_t { kNone, kHeader, kIdle, kQueue, kBody, kDrain, kSendRate, kLinger, kHalfClose, kRaw };

  // connection.cc
  static void onPoll(uv_poll_t* poll, int status, int events);
  void onReadable();
  void onPeerClosed();
  void onSocketError();
  void setInterest();

  // output_path.cc
  void flush();
  bool writeSome(const char* extra, size_t extraBytes, size_t* extraWritten);
  size_t bufferedOutput() const;
  // With what is still to come of a file.
  uint64_t pendingOutput() const { return bufferedOutput() + (file_ == nullptr ? 0 : file_->remaining()); }
  void countSent(size_t bytes);
  void widenWindow(const Channel* channel, ByteBuffer* out, size_t frameAt);
  void giveWindow();
  ByteBuffer* output();
  void append(std::string_view bytes) { output()->append(bytes); }
  // Body bytes: copied behind what is pending when small, else handed to the kernel from where they are.
  void appendBody(std::string_view bytes);
  void appendEntryBody(const std::shared_ptr<const CachedResponse>& entry, std::string_view body);

  // connection_deadlines.cc
  void setDeadline();
  void startDeadline(Deadline kind, uint64_t ms);
  uint64_t headerMs() const;
  uint64_t idleMs() const;
  uint64_t bodyMs() const;

  // connection.cc
  void markDirty();
  void finishClosing();
  void startLinger();
  void leaveUnanswered();
  void holdLoop();
  // RST, with ABORTED for the application when it has the request.
  void abort(frames::AbortReason reason);
  void reset();
  void dropExchange(frames::AbortReason reason, bool tell);
  void releaseExchange();
  const QueueSettings& settings() const;

  // request_path.cc
  size_t process(const char* data, size_t length);
  void handleHead(const RequestHead& head, const char* rest, size_t restBytes);
  const RouteTarget* admit(const RequestHead& head, std::string_view* path, bool* ambiguous);
  CacheLookup findEntry(const RequestHead& head, std::string_view path, const CacheAsker& asker, uint32_t exchangeId,
                        std::shared_ptr<const CachedResponse>* entry);
  void bindShard(QueueShard* shard);
  void dispatch(const RequestHead& head, const char* rest, size_t restBytes);
  void answerHit(const std::shared_ptr<const CachedResponse>& entry, const CacheRequestFields& fields, bool keepAlive);
  void announce(Channel* channel);
  size_t describe(uint8_t* body) const;
  void sendPage(const ParseError& error, bool withBody);
  uint8_t requestFlags(const RequestHead& head) const;

  // body_path.cc
  size_t beginBody(const char* rest, size_t restBytes, size_t frameAt);
  size_t pumpBody(const char* data, size_t length);
  size_t pumpSized(const char* data, size_t length);
  size_t pumpChunked(const char* data, size_t length);
  size_t drainBody(const char* data, size_t length);
  bool bodyBlocked() const;
  bool bodyTooLarge() const;
  void bodyFailed(const ParseError& error, std::string_view packet, size_t understood);
  const ParseError& chunkError() const;
  size_t brokenChunk(const char* data, size_t length, size_t understood);
  void finishReading();

  // client_error.cc
  Channel* clientErrorTaker() const;
  bool handOver(const ParseError& error, std::string_view packet, size_t understood);
  void tellReset();

  // opaque_path.cc
  void showAhead(const char* rest, size_t restBytes, size_t frameAt);
  void take();
  bool switchOver(uint16_t status, std::string_view reason, std::string_view block, std::string_view bytes);
  size_t pumpOpaque(const char* data, size_t length);
  void endOpaqueSides();
  void closeOpaque();

  // response_path.cc
  void abortResponse();
  void writeBody(std::string_view bytes);
  void beginEntry(const std::shared_ptr<const CachedResponse>& entry);
  void endResponse(bool keepBody, std::string_view trailers);
  std::shared_ptr<const CachedResponse> store(const frames::Header& header, std::string_view policy, std::string_view reason,
                                              std::string_view block, const ResponseHeadScan& scan, std::string_view body,
                                              bool forceDisconnect);
  void reportDrained();

  // file_path.cc
  bool openFile(const FilePart& part, bool storable, std::unique_ptr<FileSource>* file, ByteBuffer* loaded);
  void beginFile(std::unique_ptr<FileSource> file);
  void sendFilePiece();
  void fileFailed();

  uv_poll_t poll_;
  IoThread* thread_;
  Connection* previous_ = nullptr;
  Connection* next_ = nullptr;
  Socket socket_ = kNoSocket;
  uint32_t id_ = 0;

  Exchange* exchange_ = nullptr;
  QueueShard* shard_ = nullptr;    // of the last routed request
  ByteBuffer* in_ = nullptr;       // bytes of the client that could not be used yet
  ByteBuffer* out_ = nullptr;      // bytes that wait for the socket
  std::shared_ptr<const CachedResponse> tailEntry_;  // holds `tail_`
  std::string_view tail_;          // goes out after `out_`
  std::unique_ptr<FileSource> file_;  // goes out after both; nothing is appended meanwhile
  std::vector<Channel*> announced_;  // channels that got CONNECTION
  const Channel* handed_ = nullptr;  // the program that answers this client, whose request was malformed
  uint32_t rawBytes_ = 0;            // of that answer
  uint64_t sendMark_ = 0;
  uint64_t sent_ = 0;
  uint32_t scanned_ = 0;           // how far an incomplete head was looked through
  uint32_t lingered_ = 0;
  uint32_t bodyTaken_ = 0;         // body bytes that went along with the head that was handled last
  uint16_t remotePort_ = 0;
  uint16_t localPort_ = 0;
  uint32_t routePort_ = 0;         // what its requests are routed by: its port, or the route key of its listener
  uint8_t family_ = 0;
  uint8_t remoteBytes_ = 0;
  uint8_t localBytes_ = 0;
  uint8_t routeAt_ = 0;            // where the local address begins for routing: behind "::ffff:"
  char remote_[46];  // kDescriptionBytesMax counts with these
  char local_[46];

  Deadline deadline_ = Deadline::kNone;
  uint8_t interest_ = kInterestUnset;
  bool closed_ = false;
  bool dirty_ = false;
  bool readClosed_ = false;   // the client sent FIN
  bool hungUp_ = false;       // it did, behind bytes that were not read yet
  bool outBlocked_ = false;   // the socket took less than was offered
  bool closeAfter_ = false;   // the connection ends when the output is out
  bool lingering_ = false;
  bool lingerAfter_ = false;  // more may come from the client: half-close and drain first
  bool inputReady_ = false;   // `in_` may be looked at again
  bool cutOff_ = false;       // what is still to be sent has limits::kLingerMs to leave
  bool stuckOnOutput_ = false;  // pipelined requests wait for the output to drain
  bool resting_ = false;      // the event loop does not wait for it
  bool eager_ = false;        // its last response was longer than the window, and the socket took all of it as it came
  bool wide_ = false;         // it has one of the engine's wide windows
};

}  // namespace httpsys
