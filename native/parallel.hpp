// Work shared by threads.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace cimsim {

/// Calls `work(item, thread)` for every item, each on one of at most `threads` threads, of which
/// the caller is number 0. `work` must not throw.
template <typename Work>
void parallel_for(std::size_t items, int threads, const Work& work) {
  std::atomic<std::size_t> next{0};
  const auto run = [&](std::size_t thread) {
    for (std::size_t item = next++; item < items; item = next++) work(item, thread);
  };
  std::vector<std::jthread> others;
  const std::size_t most = std::min(items, static_cast<std::size_t>(std::max(threads, 1)));
  for (std::size_t thread = 1; thread < most; ++thread) others.emplace_back(run, thread);
  run(0);
}

}  // namespace cimsim
