// The kernels, compiled for each instruction set.
#pragma once

#include "kernels/group_job.hpp"
#include "kernels/isa.hpp"

namespace cimsim::kernels {

// The kernels of one instruction set.
struct Kernels {
  // Reads of one row group with cells of one bit (8-bit storage, one-bit inputs, sums up to 255),
  // with 16-bit digits, and with 32-bit fixed-point conductances.
  void (*run_bits)(const GroupJob& job);
  void (*run_halves)(const GroupJob& job);
  void (*run_fixed)(const GroupJob& job);
  // Philox words [count][4] of the counters (first[b], c1, third[b], c3); the arrays are as long as
  // the next multiple of 32.
  void (*philox_words)(const uint64_t* first, uint32_t c1, const uint64_t* third, uint32_t c3,
                       uint32_t seed, uint32_t layer, int count, uint32_t* out);
  // Standard normal numbers of `count` words, a multiple of 16.
  void (*normals)(const uint32_t* words, int count, float* out);
};

const Kernels& kernels_of(Isa isa);

namespace portable {
extern const Kernels kKernels;
}
namespace avx2 {
extern const Kernels kKernels;
}
namespace avx512 {
extern const Kernels kKernels;
}

}  // namespace cimsim::kernels
