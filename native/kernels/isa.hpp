// Instruction sets that the array kernels are compiled for. All give the same bits.
#pragma once

#include <string>
#include <vector>

namespace cimsim::kernels {

// avx512vbmi: AVX-512 with permutations of bytes and bits (VBMI, GFNI: Ice Lake, Zen 4 and later).
enum class Isa { portable, avx2, avx512, avx512vbmi };

// Instruction sets that this machine has, slowest first.
std::vector<Isa> available_isas();

std::string isa_name(Isa isa);

// "" or "auto": the fastest one that this machine has. Throws std::invalid_argument for a name that
// is unknown or that this machine does not have.
Isa parse_isa(const std::string& name);

}  // namespace cimsim::kernels
