#include "kernels/isa.hpp"

#include <stdexcept>

#include "kernels/product.hpp"

namespace cimsim::kernels {

std::vector<Isa> available_isas() {
  std::vector<Isa> found{Isa::portable};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) {
    found.push_back(Isa::avx2);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
      found.push_back(Isa::avx512);
      if (__builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2") &&
          __builtin_cpu_supports("gfni")) {
        found.push_back(Isa::avx512vbmi);
      }
    }
  }
#endif
  return found;
}

std::string isa_name(Isa isa) {
  switch (isa) {
    case Isa::portable:
      return "portable";
    case Isa::avx2:
      return "avx2";
    case Isa::avx512:
      return "avx512";
    case Isa::avx512vbmi:
      return "avx512vbmi";
  }
  throw std::invalid_argument("unknown instruction set");
}

Isa parse_isa(const std::string& name) {
  const std::vector<Isa> found = available_isas();
  if (name.empty() || name == "auto") return found.back();
  std::string allowed = "auto";
  for (const Isa isa : found) {
    if (isa_name(isa) == name) return isa;
    allowed += ", " + isa_name(isa);
  }
  throw std::invalid_argument("instruction set is '" + name +
                              "'; allowed on this machine: " + allowed);
}

const Kernels& kernels_of(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::avx2) return avx2::kKernels;
  if (isa == Isa::avx512) return avx512::kKernels;
  if (isa == Isa::avx512vbmi) return avx512vbmi::kKernels;
#endif
  static_cast<void>(isa);
  return portable::kKernels;
}

}  // namespace cimsim::kernels
