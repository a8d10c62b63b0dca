#include "bindings/bindings.hpp"

namespace cimsim {

void bind_circuits(pybind11::module_& m) { static_cast<void>(m); }

}  // namespace cimsim
