// Random draws by themselves, for tests and for programming devices.
#pragma once

#include <cstdint>

#include "kernels/isa.hpp"

namespace cimsim::kernels {

// Philox4x32-10 words [count][4] of counters [count][4].
void philox_words(Isa isa, const uint32_t* counters, int64_t count, uint32_t seed, uint32_t layer,
                  uint32_t* words);

// Standard normal numbers of words.
void normals_of_words(Isa isa, const uint32_t* words, int64_t count, float* numbers);

}  // namespace cimsim::kernels
