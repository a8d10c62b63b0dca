#include "tabulated.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace cimsim {
namespace {

constexpr std::size_t kTerms = 6;
constexpr double kTolerance = 1e-12;

/// Coefficients of powers of t from values at the Chebyshev nodes of -1 to 1.
std::array<double, kTerms> interpolate(const std::array<double, kTerms>& values) {
  // Discrete Chebyshev transform, then the polynomials T_k by their recurrence.
  std::array<double, kTerms> power{};
  std::array<double, kTerms> before{}, now{};
  before[0] = 1;  // T_0
  now[1] = 1;     // T_1
  for (std::size_t k = 0; k < kTerms; ++k) {
    double coefficient = 0;
    for (std::size_t j = 0; j < kTerms; ++j)
      coefficient += values[j] * std::cos(std::numbers::pi * static_cast<double>(k) *
                                          (static_cast<double>(j) + 0.5) / kTerms);
    coefficient *= (k == 0 ? 1.0 : 2.0) / kTerms;
    const auto& polynomial = k == 0 ? before : now;
    for (std::size_t i = 0; i < kTerms; ++i) power[i] += coefficient * polynomial[i];
    if (k == 0) continue;
    std::array<double, kTerms> next{};
    for (std::size_t i = 0; i + 1 < kTerms; ++i) next[i + 1] = 2 * now[i];
    for (std::size_t i = 0; i < kTerms; ++i) next[i] -= before[i];
    before = now;
    now = next;
  }
  return power;
}

}  // namespace

TabulatedFunction::TabulatedFunction(std::function<double(double)> function, double low,
                                     double high)
    : function_(std::move(function)), first_(std::bit_cast<std::uint64_t>(low) >> kMantissaBits) {
  const std::uint64_t last = std::bit_cast<std::uint64_t>(high) >> kMantissaBits;
  for (std::uint64_t cell = first_; cell <= last; ++cell)
    cells_.push_back(fit(std::bit_cast<double>(cell << kMantissaBits),
                         std::bit_cast<double>((cell + 1) << kMantissaBits)));
}

TabulatedFunction::Cell TabulatedFunction::fit(double low, double high) const {
  Cell cell;
  cell.center = (low + high) / 2;
  cell.scale = 2 / (high - low);
  std::array<double, kTerms> values{};
  for (std::size_t j = 0; j < kTerms; ++j) {
    const double node = std::cos(std::numbers::pi * (static_cast<double>(j) + 0.5) / kTerms);
    values[j] = function_(cell.center + node / cell.scale);
  }
  cell.p = interpolate(values);
  cell.smooth = true;
  // Both ends and points between the nodes: a step anywhere in the cell shows at one of them.
  constexpr std::array<double, 9> kChecks{-1, -0.9, -0.5, -0.2, 0.05, 0.35, 0.6, 0.9, 1};
  for (const double t : kChecks) {
    const double x = t == 1 ? std::nextafter(high, low) : cell.center + t / cell.scale;
    const double exact = function_(x);
    const double u = (x - cell.center) * cell.scale;
    double value = 0;
    for (std::size_t i = kTerms; i-- > 0;) value = value * u + cell.p[i];
    if (!(std::abs(value - exact) <= kTolerance * std::abs(exact))) cell.smooth = false;
  }
  return cell;
}

double TabulatedFunction::coverage() const {
  const auto smooth = std::ranges::count_if(cells_, [](const Cell& c) { return c.smooth; });
  return static_cast<double>(smooth) / static_cast<double>(cells_.size());
}

}  // namespace cimsim
