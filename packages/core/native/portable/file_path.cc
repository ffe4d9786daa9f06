// A connection's file bodies: what a RESPONSE names in its block FILE is opened and sent here (SEND-17, docs/frames.md).
#include <algorithm>

#include "portable/connection.h"
#include "portable/io_thread.h"
#include "portable/limits.h"
#include "portable/request_queue.h"

namespace httpsys {

namespace {

constexpr const char* kFileReason = "File";

}  // namespace

// What fits a read, and what may be stored (CACHE-16), is loaded whole; else `*file` is what is to be sent. False: there is no such file any more.
bool Connection::openFile(const FilePart& part, bool storable, std::unique_ptr<FileSource>* file, ByteBuffer* loaded) {
  std::unique_ptr<FileSource> opened = FileSource::open(part);
  if (opened == nullptr) {
    thread_->counters.reject(kFileReason);
    return false;
  }
  const uint64_t most = exchange_->mayStore && storable ? settings().cacheEntryBytes : 0;
  if (part.length > std::max<uint64_t>(most, limits::kFileReadBytes)) {
    *file = std::move(opened);
    return true;
  }
  while (opened->remaining() > 0) {
    if (opened->read(loaded, limits::kFileReadBytes) == 0) {
      thread_->counters.reject(kFileReason);
      return false;
    }
  }
  return true;
}

// The body follows the head that was composed. No more of it leaves than Content-Length says, as of any body.
void Connection::beginFile(std::unique_ptr<FileSource> file) {
  Exchange* exchange = exchange_;
  if (exchange->framing == BodyFraming::kLength) {
    if (file->remaining() > exchange->lengthRemaining) {
      file->limitTo(exchange->lengthRemaining);
      exchange->closes = true;
    }
    exchange->lengthRemaining -= file->remaining();
  }
  if (file->remaining() > 0) file_ = std::move(file);
}

// One piece a turn of the loop: the thread has other clients, too. What breaks off is told by a reset, for the body may end with the connection.
void Connection::sendFilePiece() {
  if (file_->sendsItself()) {
    const ptrdiff_t sent = file_->send(socket_, limits::kFileSendBytes);
    if (sent == 0) {
      fileFailed();
      return;
    }
    if (sent > 0) {
      countSent(static_cast<size_t>(sent));
    } else if (mustReadFile()) {
      file_->sendsItself(false);
    } else if (!mayTryAgain()) {
      resetOnClose(socket_);
      onSocketError();
      return;
    }
  } else {
    if (file_->read(output(), limits::kFileReadBytes) == 0) {
      fileFailed();
      return;
    }
    if (!writeSome(nullptr, 0, nullptr)) return;
  }
  if (file_->remaining() == 0) file_.reset();
  outBlocked_ = pendingOutput() > 0;
}

void Connection::fileFailed() {
  thread_->counters.reject(kFileReason);
  reset();
}

}  // namespace httpsys
