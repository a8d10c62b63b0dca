// Body of product_<instruction set>.cpp, inside a namespace of its own.
#include "kernels/simd.inl"
//
#include "kernels/draws.inl"
//
#include "kernels/sums.inl"
//
#include "kernels/convert.inl"
//
#include "kernels/group.inl"

namespace {
void run_bits(const GroupJob& job) { read_group<Bit>(job); }
void run_halves(const GroupJob& job) { read_group<Half>(job); }
void run_fixed(const GroupJob& job) { read_group<Fixed>(job); }
}  // namespace

#undef CIMSIM_STEP

extern constexpr Kernels kKernels{run_bits, run_halves, run_fixed, philox_words, normals};
