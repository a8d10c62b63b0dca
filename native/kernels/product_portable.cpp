// Array kernels: portable.
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "kernels/group_job.hpp"
#include "kernels/normal_table.hpp"
#include "kernels/product.hpp"

#define CIMSIM_VECTOR_BYTES 16
#if defined(__GNUC__) && !defined(__clang__)
// Table rows of 32 bytes are passed between inlined functions only.
#pragma GCC diagnostic ignored "-Wpsabi"
#endif

namespace cimsim::kernels::portable {
#include "kernels/product_isa.inl"
}  // namespace cimsim::kernels::portable
