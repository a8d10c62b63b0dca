// A smooth function of a positive number, tabulated for fast repeated evaluation.
#pragma once
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace cimsim {

/// Polynomials of degree 5 on cells of 1/16 binade. A cell in which the polynomial is off by more
/// than a relative 1e-12 (a kink or step of the function) is not used, nor is anything outside the
/// range: the function itself is called there.
class TabulatedFunction {
 public:
  /// `low` and `high` are positive and finite.
  TabulatedFunction(std::function<double(double)> function, double low, double high);

  double operator()(double x) const {
    const auto bits = std::bit_cast<std::uint64_t>(x);
    // Exponent and the leading bits of the mantissa number the cells; signs and nan fall outside.
    const std::uint64_t cell = (bits >> kMantissaBits) - first_;
    if (cell >= cells_.size() || !cells_[cell].smooth) return function_(x);
    const Cell& c = cells_[cell];
    const double t = (x - c.center) * c.scale;
    return c.p[0] + t * (c.p[1] + t * (c.p[2] + t * (c.p[3] + t * (c.p[4] + t * c.p[5]))));
  }

  /// Share of the cells that are tabulated.
  double coverage() const;

 private:
  static constexpr int kCellBits = 4;  // cells a binade, as a power of two
  static constexpr int kMantissaBits = 52 - kCellBits;

  struct Cell {
    double center = 0;
    double scale = 0;  ///< the cell is -1 to 1
    std::array<double, 6> p{};
    bool smooth = false;
  };

  Cell fit(double low, double high) const;

  std::function<double(double)> function_;
  std::uint64_t first_ = 0;
  std::vector<Cell> cells_;
};

}  // namespace cimsim
