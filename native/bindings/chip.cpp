#include "bindings/bindings.hpp"

namespace cimsim {

void bind_chip(pybind11::module_& m) { static_cast<void>(m); }

}  // namespace cimsim
