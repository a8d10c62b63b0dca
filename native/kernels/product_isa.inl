// Body of product_<instruction set>.cpp, inside a namespace of its own.
#include "kernels/simd.inl"
//
#include "kernels/noise.inl"
//
#include "kernels/group.inl"
//
#include "kernels/bits.inl"
//
#include "kernels/binary.inl"

namespace {
void run_bytes(const GroupJob& job) { read_group<uint8_t>(job); }
void run_halves(const GroupJob& job) { read_group<uint16_t>(job); }
void run_ints(const GroupJob& job) { read_group<int32_t>(job); }
void run_binary(const BinaryJob& job) { read_binary_group(job); }
void expand_binary(const BinaryJob& job) { expand_binary_sums(job); }

void draw_read_noise(uint32_t seed, uint32_t layer, uint32_t role, uint32_t column_block,
                     uint32_t number, uint64_t vector, uint16_t* draws, int16_t* numbers) {
  const DrawBatch batch{column_block, number, vector};
  draw_batches(seed, layer, role, &batch, 1, draws);
  normal_batches(seed, layer, role, &batch, 1, draws, numbers);
}

void normals_of_draws(const uint16_t* draws, int count, int16_t* numbers) {
  const DrawBatch batch{};
  for (int k = 0; k < count; k += kBatchDraws) {
    normal_batches(0, 0, 0, &batch, 1, draws + k, numbers + k);
  }
}
}  // namespace

extern constexpr Kernels kKernels{run_bytes,     run_halves,      run_ints,       run_binary,
                                  expand_binary, philox,          normals,        draw_read_noise,
                                  normals_of_draws};
