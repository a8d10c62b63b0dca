// The kernels, compiled for each instruction set.
#pragma once

#include "kernels/binary_job.hpp"
#include "kernels/conductance_job.hpp"
#include "kernels/group_job.hpp"
#include "kernels/isa.hpp"
#include "kernels/moment_job.hpp"

namespace cimsim::kernels {

// The kernels of one instruction set.
struct Kernels {
  // Reads of one row group, with table entries of 8, 16 and 32 bits.
  void (*run_group_bytes)(const GroupJob& job);
  void (*run_group_halves)(const GroupJob& job);
  void (*run_group_ints)(const GroupJob& job);
  // Reads of one row group of one-bit cells with one-bit inputs; and its bit-sliced sums added up.
  void (*run_group_binary)(const BinaryJob& job);
  void (*expand_binary_sums)(const BinaryJob& job);
  // Philox words [blocks][4] of the counters (first[b], c1, third[b], c3); whole vectors (up to
  // eight blocks) are read and written.
  void (*draw_words)(const uint64_t* first, uint32_t c1, const uint64_t* third, uint32_t c3,
                     uint32_t seed, uint32_t layer, int blocks, uint32_t* out);
  // Standard normal numbers of `count` words, a multiple of 16.
  void (*draw_normals)(const uint32_t* words, int count, float* out);
  // Draws of read noise and their normal numbers, times kDrawScale, [read up to 8][32 columns], of
  // one vector, group, slice (of `slices`) and the columns from first_column on.
  void (*draw_read_noise)(const ReadNoiseName& name, int first_column, uint16_t* draws,
                          int16_t* numbers);
  // Column conductances of bit-vectors, added to a histogram.
  void (*count_conductances)(const ConductanceJob& job);
  // Moments of on cells and active rows, added to bins; and the tables they are counted with.
  void (*fill_moment_sums)(const MomentCells& cells);
  void (*count_moments)(const MomentJob& job);
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
namespace avx512vbmi {
extern const Kernels kKernels;
}

}  // namespace cimsim::kernels
