// Array kernels: avx2.
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels/binary_job.hpp"
#include "kernels/draw_table.hpp"
#include "kernels/group_job.hpp"
#include "kernels/normal_table.hpp"
#include "kernels/product.hpp"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC target("avx2")
#endif

#define CIMSIM_VECTOR_BYTES 32

namespace cimsim::kernels::avx2 {
#include "kernels/product_isa.inl"
}  // namespace cimsim::kernels::avx2

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
