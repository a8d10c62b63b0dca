// Array kernels: avx512vbmi.
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels/binary_job.hpp"
#include "kernels/draw_table.hpp"
#include "kernels/group_job.hpp"
#include "kernels/normal_table.hpp"
#include "kernels/product.hpp"

#if defined(__clang__)
#pragma clang attribute push(                                                                  \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,gfni"))), \
    apply_to = function)
#else
#pragma GCC target( \
    "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,gfni,prefer-vector-width=512")
#endif

#define CIMSIM_VECTOR_BYTES 64
#define CIMSIM_VBMI 1

namespace cimsim::kernels::avx512vbmi {
#include "kernels/product_isa.inl"
}  // namespace cimsim::kernels::avx512vbmi

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
