// Wine's HTTP service tells nobody that a client has left (WINE-12). The machine's table of connections does: whoever waits for the end of a
// client is told by it.
#include <cstdio>
#include <cstring>
#include <set>
#include <utility>

#include "layer.h"

namespace httpsys {
namespace wine {

namespace {

// Linux' own: local and remote address, and the state, in hexadecimal.
constexpr char kTable[] = "Z:/proc/net/tcp";
constexpr unsigned kEstablished = 1;

using Ports = std::pair<unsigned, unsigned>;

bool established(std::set<Ports>* ports) {
  std::FILE* const file = std::fopen(kTable, "r");
  if (file == nullptr) return false;
  char line[256];
  while (std::fgets(line, sizeof line, file) != nullptr) {
    unsigned local = 0, remote = 0, state = 0;
    const bool isRow = std::sscanf(line, " %*u: %*x:%x %*x:%x %x", &local, &remote, &state) == 3;
    if (isRow && state == kEstablished) ports->insert({local, remote});
  }
  std::fclose(file);
  return true;
}

}  // namespace

bool waitsForClients(const Queue& queue) {
  for (const auto& client : queue.clients) {
    if (client.second.wait != nullptr) return true;
  }
  return false;
}

void lookForClients(Queue* queue) {
  const ULONGLONG now = GetTickCount64();
  if (now < queue->lookedAt + kLookMs || !waitsForClients(*queue)) return;
  queue->lookedAt = now;
  std::set<Ports> open;
  if (!established(&open)) return;
  for (auto client = queue->clients.begin(); client != queue->clients.end();) {
    if (client->second.wait == nullptr || open.count({ntohs(client->second.localPort), ntohs(client->second.port)}) > 0) {
      ++client;
      continue;
    }
    endWait(queue, &client->second);
    client = queue->clients.erase(client);
  }
}

}  // namespace wine
}  // namespace httpsys
