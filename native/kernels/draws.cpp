#include "kernels/draws.hpp"

#include <algorithm>

#include "kernels/product.hpp"

namespace cimsim::kernels {

namespace {
constexpr int64_t kChunk = 256;
}

void philox_words(Isa isa, const uint32_t* counters, int64_t count, uint32_t seed, uint32_t layer,
                  uint32_t* words) {
  const auto draw = kernels_of(isa).draw_words;
  for (int64_t k = 0; k < count; ++k) {
    // The kernels share words 1 and 3 between blocks, and fill whole vectors.
    const uint32_t* counter = counters + 4 * k;
    uint64_t first[8];
    uint64_t third[8];
    std::fill_n(first, 8, uint64_t{counter[0]});
    std::fill_n(third, 8, uint64_t{counter[2]});
    uint32_t out[32];
    draw(first, counter[1], third, counter[3], seed, layer, 1, out);
    std::copy_n(out, 4, words + 4 * k);
  }
}

void normals_of_words(Isa isa, const uint32_t* words, int64_t count, float* numbers) {
  const auto draw = kernels_of(isa).draw_normals;
  uint32_t in[kChunk] = {};
  float out[kChunk];
  for (int64_t start = 0; start < count; start += kChunk) {
    const int64_t size = std::min(kChunk, count - start);
    std::copy_n(words + start, size, in);
    draw(in, static_cast<int>((size + 15) / 16 * 16), out);
    std::copy_n(out, size, numbers + start);
  }
}

}  // namespace cimsim::kernels
