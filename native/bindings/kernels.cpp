#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "bindings/bindings.hpp"
#include "kernels/array_layer.hpp"
#include "kernels/draw_table.hpp"
#include "kernels/draws.hpp"
#include "kernels/isa.hpp"
#include "kernels/product.hpp"

namespace cimsim {

namespace py = pybind11;
using namespace py::literals;
using kernels::ArrayLayer;
using kernels::LayerSettings;

namespace {

template <class T>
using Array = py::array_t<T, py::array::c_style | py::array::forcecast>;

void expect_shape(const py::array& array, const std::vector<int64_t>& shape, const char* name) {
  bool same = array.ndim() == static_cast<py::ssize_t>(shape.size());
  for (std::size_t k = 0; same && k < shape.size(); ++k) {
    same = shape[k] < 0 || array.shape(static_cast<py::ssize_t>(k)) == shape[k];
  }
  if (!same) throw std::invalid_argument(std::string(name) + ": wrong shape");
}

ArrayLayer layer_of_digits(const LayerSettings& settings, const Array<uint8_t>& digits, double low,
                           double high) {
  expect_shape(digits, {settings.slices, settings.rows, settings.columns}, "digits");
  const py::gil_scoped_release release;
  return ArrayLayer::of_digits(settings, digits.data(), low, high);
}

std::vector<double> values_of(const std::optional<Array<double>>& given) {
  if (!given) return {};
  return {given->data(), given->data() + given->size()};
}

using Given = std::optional<Array<double>>;

ArrayLayer layer_of_conductances(const LayerSettings& settings, const py::function& effective,
                                 const Array<double>& reference, const Given& gain,
                                 const Given& offset, const Given& noise,
                                 const Given& reference_noise, const Given& transitions) {
  expect_shape(reference, {settings.rows}, "reference");
  Array<double> block;  // the one that is held
  const auto source = [&](int slice, int64_t first, int64_t last) {
    block = Array<double>();
    block = py::cast<Array<double>>(effective(slice, first, last));
    expect_shape(block, {last - first, settings.columns}, "effective");
    return block.data();
  };
  const kernels::ColumnErrors errors{values_of(gain), values_of(offset), values_of(noise),
                                     values_of(reference_noise), values_of(transitions)};
  return ArrayLayer::of_conductances(settings, source, reference.data(), errors);
}

template <class Code>
py::array_t<int64_t> product(const ArrayLayer& layer, const Array<Code>& codes,
                             uint64_t first_vector, const std::string& isa) {
  const LayerSettings& settings = layer.settings();
  expect_shape(codes, {-1, settings.rows}, "codes");
  const kernels::Isa chosen = kernels::parse_isa(isa);
  const int64_t vectors = codes.shape(0);
  py::array_t<int64_t> result({vectors, settings.columns});
  int64_t* out = result.mutable_data();
  const Code* in = codes.data();
  {
    const py::gil_scoped_release release;
    layer.product(in, vectors, first_vector, chosen, out);
  }
  return result;
}

py::array_t<int64_t> column_sums(const ArrayLayer& layer, const Array<uint16_t>& codes,
                                 const std::string& isa) {
  expect_shape(codes, {-1, layer.settings().rows}, "codes");
  const kernels::Isa chosen = kernels::parse_isa(isa);
  const int64_t vectors = codes.shape(0);
  const uint16_t* in = codes.data();
  std::vector<int64_t> counts;
  {
    const py::gil_scoped_release release;
    counts = layer.count_column_sums(in, vectors, chosen);
  }
  return py::array_t<int64_t>(static_cast<py::ssize_t>(counts.size()), counts.data());
}

std::vector<std::string> isa_names() {
  std::vector<std::string> names;
  for (const kernels::Isa isa : kernels::available_isas()) names.push_back(kernels::isa_name(isa));
  return names;
}

py::array_t<uint32_t> philox_words(const Array<uint32_t>& counters, uint32_t seed, uint32_t layer,
                                   const std::string& isa) {
  expect_shape(counters, {-1, 4}, "counters");
  py::array_t<uint32_t> words({counters.shape(0), py::ssize_t{4}});
  kernels::philox_words(kernels::parse_isa(isa), counters.data(), counters.shape(0), seed, layer,
                        words.mutable_data());
  return words;
}

py::array_t<float> normals_of_words(const Array<uint32_t>& words, const std::string& isa) {
  expect_shape(words, {-1}, "words");
  py::array_t<float> numbers(words.shape(0));
  kernels::normals_of_words(kernels::parse_isa(isa), words.data(), words.shape(0),
                            numbers.mutable_data());
  return numbers;
}

py::tuple read_noise_draws(uint32_t seed, uint32_t layer, uint64_t vector, uint32_t group,
                           uint32_t slice, uint32_t slices, int reads, int first_column,
                           const std::string& isa) {
  if (reads < 1 || reads > kernels::kMaxReads || first_column % 4 != 0) {
    throw std::invalid_argument("reads: 1 to 8; first_column: multiples of 4");
  }
  const kernels::ReadNames names{0, static_cast<uint32_t>(reads), 0, slices};
  const kernels::ReadNoiseName name{seed, layer, vector, group, slice, reads, names};
  py::array_t<uint16_t> draws({kernels::kMaxReads, 32});
  py::array_t<int16_t> numbers({kernels::kMaxReads, 32});
  kernels::kernels_of(kernels::parse_isa(isa))
      .draw_read_noise(name, first_column, draws.mutable_data(), numbers.mutable_data());
  return py::make_tuple(draws, numbers);
}

}  // namespace

void bind_kernels(py::module_& m) {
  py::class_<LayerSettings>(m, "LayerSettings", "Geometry and readout of an array layer.")
      .def(py::init<>())
      .def_readwrite("rows", &LayerSettings::rows)
      .def_readwrite("columns", &LayerSettings::columns)
      .def_readwrite("parallel_rows", &LayerSettings::parallel_rows)
      .def_readwrite("cell_bits", &LayerSettings::cell_bits)
      .def_readwrite("slices", &LayerSettings::slices)
      .def_readwrite("first_slice", &LayerSettings::first_slice)
      .def_readwrite("all_slices", &LayerSettings::all_slices)
      .def_readwrite("dac_bits", &LayerSettings::dac_bits)
      .def_readwrite("reads", &LayerSettings::reads)
      .def_readwrite("adc_top", &LayerSettings::adc_top)
      .def_readwrite("adc_step", &LayerSettings::adc_step)
      .def_readwrite("code_of_sum", &LayerSettings::code_of_sum)
      .def_readwrite("read_noise", &LayerSettings::read_noise)
      .def_readwrite("output_sigma", &LayerSettings::output_sigma)
      .def_readwrite("output_mean", &LayerSettings::output_mean)
      .def_readwrite("output_std", &LayerSettings::output_std)
      .def_readwrite("seed", &LayerSettings::seed)
      .def_readwrite("layer", &LayerSettings::layer);
  py::class_<ArrayLayer>(m, "ArrayLayer", "A programmed layer in the kernels' layout.")
      .def_static("of_digits", &layer_of_digits, "settings"_a, "digits"_a, "low"_a = 0.0,
                  "high"_a = 1.0)
      .def_static("of_conductances", &layer_of_conductances, "settings"_a, "effective"_a,
                  "reference"_a, py::kw_only(), "gain"_a = py::none(), "offset"_a = py::none(),
                  "noise"_a = py::none(), "reference_noise"_a = py::none(),
                  "transitions"_a = py::none())
      .def("product", &product<uint8_t>, "codes"_a.noconvert(), "first_vector"_a = 0, "isa"_a = "",
           "Sums of ADC codes by place, int64 [vectors, columns].")
      .def("product", &product<uint16_t>, "codes"_a, "first_vector"_a = 0, "isa"_a = "",
           "Sums of ADC codes by place, int64 [vectors, columns].")
      .def("column_sums", &column_sums, "codes"_a, "isa"_a = "",
           "Number of reads with each ideal column sum, int64 [largest possible sum + 1].");
  m.def("isa_names", &isa_names, "Instruction sets of this machine, slowest first.");
  m.def("philox_words", &philox_words, "counters"_a, "seed"_a, "layer"_a, "isa"_a = "",
        "Philox4x32-10 words of counters [n, 4].");
  m.def("read_noise_draws", &read_noise_draws, "seed"_a, "layer"_a, "vector"_a, "group"_a,
        "slice"_a, "slices"_a, "reads"_a, "first_column"_a, "isa"_a = "",
        "Draws of read noise (uint16) and their normal numbers times draw_scale (int16), [8, 32]; "
        "those of the first `reads` reads count.");
  m.attr("draw_scale") = kernels::kDrawScale;
  m.def("normals_of_words", &normals_of_words, "words"_a, "isa"_a = "",
        "Standard normal numbers (float32) of 32-bit words.");
}

}  // namespace cimsim
