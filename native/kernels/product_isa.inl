// Body of product_<instruction set>.cpp, inside a namespace of its own.
#include "kernels/simd.inl"
//
#include "kernels/group.inl"
//
#include "kernels/conductance.inl"

namespace {
void run_bytes(const GroupJob& job) { read_group<uint8_t>(job); }
void run_halves(const GroupJob& job) { read_group<uint16_t>(job); }
void run_ints(const GroupJob& job) { read_group<int32_t>(job); }
}  // namespace

extern constexpr Kernels kKernels{run_bytes, run_halves, run_ints, philox, normals,
                                  count_conductances};
