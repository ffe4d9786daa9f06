// What `queryState` tells: plain numbers, summed over the threads.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "portable/cache.h"

namespace httpsys {

struct QueueState {
  uint32_t id = 0, depth = 0, attached = 0, connections = 0;
  bool enabled = true;
  uint64_t requests = 0, hits = 0, inFlight = 0, upgraded = 0, bytesOut = 0;
};

struct UrlState {
  uint32_t queueId = 0, urlContext = 0;
  uint64_t requests = 0, hits = 0;
};

struct EngineState {
  uint64_t uptimeMs = 0;
  uint64_t connections = 0, accepted = 0, threads = 0, requests = 0, hits = 0, bytesIn = 0, bytesOut = 0;
  CacheStats cache;
  std::map<std::string, uint64_t> rejections;
  std::vector<QueueState> queues;
  std::vector<UrlState> urls;
};

}  // namespace httpsys
