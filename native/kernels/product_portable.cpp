// Array kernels: portable.
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "kernels/binary_job.hpp"
#include "kernels/draw_table.hpp"
#include "kernels/group_job.hpp"
#include "kernels/normal_table.hpp"
#include "kernels/product.hpp"

#define CIMSIM_VECTOR_BYTES 16

namespace cimsim::kernels::portable {
#include "kernels/product_isa.inl"
}  // namespace cimsim::kernels::portable
