// What the application sends: whole frames, each length checked, handed to their requests (docs/frames.md).
#include <string>
#include <utility>

#include "common/frame_checks.h"
#include "common/response_frame.h"
#include "httpsys/exchange.h"
#include "httpsys/request_queue.h"

namespace httpsys {
namespace driver {

bool RequestQueue::malformed(std::string why) {
  malformed_ = std::move(why);
  return false;
}

bool RequestQueue::handleBatch(const std::shared_ptr<Batch>& batch) {
  const uint8_t* data = batch->bytes.get();
  size_t left = batch->length;
  while (left > 0) {
    if (left < frames::kHeaderBytes) return malformed("a header is cut off");
    const frames::Header header = frames::loadHeader(data);
    if (!frames::lengthFits(header) || header.length > left) return malformed(frames::lengthFault(header));
    if (!handleFrame(header, data + frames::kHeaderBytes, header.length - frames::kHeaderBytes, batch)) return false;
    data += header.length;
    left -= header.length;
  }
  return true;
}

bool RequestQueue::handleFrame(const frames::Header& header, const uint8_t* body, size_t length, const std::shared_ptr<Batch>& batch) {
  switch (header.type) {
    case frames::kAttach:
      return malformed(frames::kAttachedTwice);
    case frames::kCredit:
      if (length != frames::kCreditBytes) return malformed(frames::creditFault(length));
      if (header.id != 0) break;
      credit_ = frames::withCredit(credit_, body);
      pumpReceives();
      return true;
    case frames::kCloseConnections:
      closeConnections(header.flags, header.id);
      return true;
    case frames::kAddFragment: {
      FragmentParts parts;
      if (!splitFragment(body, length, &parts)) return malformed(frames::kFragmentMalformed);
      addFragment(header.id, parts);
      return true;
    }
    case frames::kDetach:
      accepting_ = false;
      return true;
    default:
      if (!frames::isOfRequest(header.type)) return true;
      if (header.type == frames::kResponse && !splitsWell(body, length)) return malformed(frames::kResponseTooShort);
      break;
  }
  return handleRequestFrame(header, body, length, batch);
}

bool RequestQueue::handleRequestFrame(const frames::Header& header, const uint8_t* body, size_t length,
                                      const std::shared_ptr<Batch>& batch) {
  Exchange* exchange = exchanges_.find(header.id);
  // A finished id is skipped without a word: both sides cross on the wire.
  if (exchange == nullptr) return true;
  const std::string_view bytes(reinterpret_cast<const char*>(body), length);
  bool fits = true;
  switch (header.type) {
    case frames::kCredit:
      exchange->onBodyCredit(frames::load32(body));
      break;
    case frames::kResponse:
      fits = exchange->onResponse(header, body, length, batch);
      break;
    case frames::kInformational:
      exchange->onInformational(header.aux);
      break;
    case frames::kData:
      fits = exchange->onData((header.flags & frames::kDataEnd) != 0, bytes);
      break;
    case frames::kEnd:
      exchange->onEnd((header.flags & frames::kEndKeepBody) != 0, bytes);
      break;
    case frames::kOpaque:
      fits = exchange->onOpaque(header.flags, bytes);
      break;
    case frames::kCancel:
      exchange->cancel();
      break;
    default:
      break;
  }
  return fits || malformed(frames::windowFault(header.id));
}

// The driver keeps a connection as long as it pleases, and there is no call to end an idle one: the application forgets it, and is told of it
// anew with its next request. A request under way is cancelled.
void RequestQueue::closeConnections(uint8_t flags, uint32_t connectionId) {
  const bool busyToo = (flags & frames::kCloseAll) != 0;
  if (connectionId == 0) {
    connections_.closeAll(busyToo);
  } else if (Connection* connection = connections_.find(connectionId)) {
    const Exchange* current = connection->current;
    if (current == nullptr || (busyToo && !current->isOpaque())) connections_.closeOne(connectionId);
  }
  counters_.connections = connections_.size();
}

}  // namespace driver
}  // namespace httpsys
