#pragma once
#include <pybind11/pybind11.h>

namespace cimsim {

// Technology, parameters and gate formulas (bindings/technology.cpp).
void bind_technology(pybind11::module_& m);
// Circuit modules (bindings/circuits.cpp).
void bind_circuits(pybind11::module_& m);
// Subarray to chip (bindings/chip.cpp).
void bind_chip(pybind11::module_& m);
// Products of activations and digital operations (bindings/digital.cpp).
void bind_digital(pybind11::module_& m);
// Array-product kernels and random numbers (bindings/kernels.cpp).
void bind_kernels(pybind11::module_& m);

}  // namespace cimsim
