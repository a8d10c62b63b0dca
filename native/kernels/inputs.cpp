#include "kernels/inputs.hpp"

#include <bit>
#include <cmath>
#include <cstring>

namespace cimsim::kernels {

namespace {

constexpr uint64_t kLowBits = 0x0001000100010001U;

// Four codes, one per 16-bit lane; rows past the end are 0.
uint64_t four_codes(const uint16_t* codes, int left) {
  uint64_t lanes = 0;
  std::memcpy(&lanes, codes, left < 4 ? 2 * static_cast<std::size_t>(left) : 8);
  return lanes;
}

// Bit `bit` of each lane as a 4-bit number, lane 0 lowest.
unsigned gather_bits(uint64_t lanes, int bit) {
  return static_cast<unsigned>((((lanes >> bit) & kLowBits) * 0x0001000200040008U) >> 48);
}

uint64_t square_lanes(uint64_t lanes) {
  uint64_t squares = 0;
  for (int k = 0; k < 4; ++k) {
    const uint64_t x = (lanes >> (16 * k)) & 0xFFFFU;
    squares |= (x * x) << (16 * k);
  }
  return squares;
}

uint64_t sum_lanes(uint64_t lanes) {
  return (lanes & 0xFFFFU) + ((lanes >> 16) & 0xFFFFU) + ((lanes >> 32) & 0xFFFFU) + (lanes >> 48);
}

double reference_power(const uint16_t* codes, int rows, int shift, unsigned mask,
                       const double* reference) {
  double power = 0.0;
  for (int row = 0; row < rows; ++row) {
    const double part = ((codes[row] >> shift) & mask) * reference[row];
    power += part * part;
  }
  return power;
}

}  // namespace

GroupInputs PackedInputs::pack(const InputShape& shape, const uint16_t* codes, int64_t stride,
                               int vectors, int rows, const double* reference, double rho) {
  const int quads = (rows + 3) / 4;
  const int digit_planes = shape.dac_bits;
  const int planes = digit_planes + (shape.squares ? 2 * shape.dac_bits : 0);
  const int capacity = (quads + 3) / 4 * 4;
  const auto lists = static_cast<std::size_t>(vectors) * static_cast<std::size_t>(shape.reads);
  entries_.resize(lists * static_cast<std::size_t>(planes * capacity));
  lengths_.resize(lists * static_cast<std::size_t>(planes));
  square_sum_.resize(lists);
  deviation_.assign(lists, 0.0F);

  const unsigned mask = (1U << shape.dac_bits) - 1U;
  uint16_t* list = entries_.data();
  uint16_t* length = lengths_.data();
  std::size_t read = 0;
  for (int m = 0; m < vectors; ++m) {
    const uint16_t* vector = codes + m * stride;
    for (int i = 0; i < shape.reads; ++i, ++read) {
      const int shift = i * shape.dac_bits;
      uint64_t square_sum = 0;
      int count[3 * 8] = {};
      for (int q = 0; q < quads; ++q) {
        const uint64_t digits =
            (four_codes(vector + 4 * q, rows - 4 * q) >> shift) & (kLowBits * mask);
        if (digits == 0) continue;
        const uint64_t squares = shape.dac_bits == 1 ? digits : square_lanes(digits);
        square_sum += sum_lanes(squares);
        for (int b = 0; b < planes; ++b) {
          const unsigned subset =
              b < digit_planes ? gather_bits(digits, b) : gather_bits(squares, b - digit_planes);
          list[b * capacity + count[b]] =
              static_cast<uint16_t>(16U * static_cast<unsigned>(q) + subset);
          count[b] += subset != 0;
        }
      }
      for (int b = 0; b < planes; ++b) {
        int filled = count[b];
        while (filled % 4 != 0) list[b * capacity + filled++] = 0;  // row 0 is the empty subset
        *length++ = static_cast<uint16_t>(filled);
      }
      list += planes * capacity;
      square_sum_[read] = static_cast<float>(square_sum);
      if (reference != nullptr) {
        const double power = reference_power(vector, rows, shift, mask, reference);
        deviation_[read] = static_cast<float>(rho * std::sqrt(power));
      }
    }
  }
  GroupInputs inputs;
  inputs.planes = planes;
  inputs.capacity = capacity;
  inputs.entries = entries_.data();
  inputs.lengths = lengths_.data();
  inputs.square_sum = square_sum_.data();
  inputs.reference_deviation = deviation_.data();
  return inputs;
}

}  // namespace cimsim::kernels
