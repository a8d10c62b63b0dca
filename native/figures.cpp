#include "figures.hpp"

namespace cimsim {
namespace {

using C = Category;
using T = Transport;

// In the order of Part.
constexpr std::array<PartInfo, kParts> kInfo{{
    {"cells", C::Adc, T::None},
    {"word_line_level_shifter", C::Other, T::None},
    {"source_line_level_shifter", C::Other, T::None},
    {"bit_line_level_shifter", C::Other, T::None},
    {"word_line_switch", C::Other, T::None},
    {"word_line_pass_gates", C::Other, T::None},
    {"row_decoder", C::Other, T::None},
    {"row_decoder_driver", C::Other, T::None},
    {"cross_point_decoder_driver", C::Other, T::None},
    {"word_line_repeaters", C::Other, T::None},
    {"source_line_switch", C::Other, T::None},
    {"precharger", C::Adc, T::None},
    {"write_driver", C::Other, T::None},
    {"column_mux", C::Other, T::None},
    {"column_mux_decoder", C::Other, T::None},
    {"sense_amplifier", C::Adc, T::None},
    {"multilevel_sense_amplifier", C::Adc, T::None},
    {"adc_encoder", C::Adc, T::None},
    {"sar_adc", C::Adc, T::None},
    {"adder", C::Accumulation, T::None},
    {"register", C::Accumulation, T::None},
    {"weight_shift_add", C::Accumulation, T::None},
    {"input_shift_add", C::Accumulation, T::None},
    {"pe_adder_tree", C::Accumulation, T::None},
    {"pe_input_buffer", C::Other, T::Buffer},
    {"pe_output_buffer", C::Other, T::Buffer},
    {"pe_input_bus", C::Other, T::Interconnect},
    {"pe_output_bus", C::Other, T::Interconnect},
    {"tile_accumulation", C::Accumulation, T::None},
    {"tile_activation", C::Other, T::None},
    {"tile_input_buffer", C::Other, T::Buffer},
    {"tile_output_buffer", C::Other, T::Buffer},
    {"tile_htree", C::Other, T::Interconnect},
    {"chip_activation", C::Other, T::None},
    {"chip_accumulation", C::Accumulation, T::None},
    {"chip_pooling", C::Other, T::None},
    {"global_bus", C::Other, T::Interconnect},
    {"global_buffer_read", C::Other, T::Buffer},
    {"global_buffer_write", C::Other, T::Buffer},
}};

}  // namespace

const PartInfo& info(Part part) { return kInfo[static_cast<std::size_t>(part)]; }

double Energies::total() const {
  double sum = 0;
  for (const double e : joule_) sum += e;
  return sum;
}

double Energies::total(Category category) const {
  double sum = 0;
  for (std::size_t p = 0; p < kParts; ++p)
    if (kInfo[p].category == category) sum += joule_[p];
  return sum;
}

double Energies::total(Transport transport) const {
  double sum = 0;
  for (std::size_t p = 0; p < kParts; ++p)
    if (kInfo[p].transport == transport) sum += joule_[p];
  return sum;
}

}  // namespace cimsim
