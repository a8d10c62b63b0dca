// Python module cimsim._native. Each family of bindings lives in a file of its own; none has logic.
#include <pybind11/pybind11.h>

#include <stdexcept>

#include "bindings/bindings.hpp"

PYBIND11_MODULE(_native, m) {
  m.doc() = "Native engine of cimsim: circuits, chip and array kernels.";
  // A class of its own, so that callers can tell it from a mistake in Python code that a call runs.
  pybind11::register_local_exception<std::invalid_argument>(m, "InvalidArgument", PyExc_ValueError);
  cimsim::bind_technology(m);
  cimsim::bind_circuits(m);
  cimsim::bind_chip(m);
  cimsim::bind_digital(m);
  cimsim::bind_kernels(m);
}
