// Body of product_<instruction set>.cpp, inside a namespace of its own.
#include "kernels/simd.inl"
//
#include "kernels/noise.inl"
//
#include "kernels/group_sums.inl"
//
#include "kernels/group_convert.inl"
//
#include "kernels/column_errors.inl"
//
#include "kernels/group_noise.inl"
//
#include "kernels/group_real.inl"
//
#include "kernels/group.inl"
//
#include "kernels/bits.inl"
//
#include "kernels/binary.inl"
//
#include "kernels/binary_noise.inl"
//
#include "kernels/binary_filter.inl"
//
#include "kernels/binary_group.inl"
//
#include "kernels/conductance.inl"
//
#include "kernels/moments.inl"

namespace {
void run_bytes(const GroupJob& job) { read_group<uint8_t>(job); }
void run_halves(const GroupJob& job) { read_group<uint16_t>(job); }
void run_ints(const GroupJob& job) { read_group<int32_t>(job); }
void run_binary(const BinaryJob& job) { read_binary_group(job); }
void expand_binary(const BinaryJob& job) { expand_binary_sums(job); }

void draw_noise(const ReadNoiseName& name, int first_column, uint16_t* draws, int16_t* numbers) {
  draw_halves<kDrawColumns>(name, first_column, draws);
  numbers_of_draws<kDrawColumns>(name, first_column, draws, numbers);
}
}  // namespace

extern constexpr Kernels kKernels{run_bytes,
                                  run_halves,
                                  run_ints,
                                  run_binary,
                                  expand_binary,
                                  philox,
                                  normals,
                                  draw_noise,
                                  count_conductances,
                                  fill_moment_sums,
                                  count_moments};
