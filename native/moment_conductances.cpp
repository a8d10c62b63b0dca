#include "moment_conductances.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "parallel.hpp"

namespace cimsim {
namespace {

constexpr int kSlice = kernels::kConductanceColumns;
constexpr double kMostSpread = 0.1;
constexpr double kManySensings = 1 << 18;
/// Cells of a power of two in which conductances are merged.
constexpr int kCellShift = 23 - kernels::kCellBits;

/// Coefficients of 1, v, v^2, u, u v and the code of u^2.
constexpr std::size_t kTerms = 6;
using Terms = std::array<double, kTerms>;
enum Term { kOne, kPlace, kPlaceSquare, kPosition, kPositionPlace, kSquare };

double product(const Terms& a, const Terms& b) {
  double sum = 0;
  for (std::size_t k = 0; k < kTerms; ++k) sum += a[k] * b[k];
  return sum;
}

/// Least-squares fits over the rows of a block and the columns of a slice.
class PathFit {
 public:
  explicit PathFit(const RowCodes& codes) : codes_(codes) {
    for (int x = 1; x <= codes.rows(); ++x) {
      for (int j = 0; j < kSlice; ++j) {
        const Terms here = at(x, j);
        for (std::size_t a = 0; a < kTerms; ++a)
          for (std::size_t b = 0; b <= a; ++b) factor_[a][b] += here[a] * here[b];
      }
    }
    factorise();
  }

  Terms at(int x, int j) const {
    const double u = codes_.position(x), v = ColumnMoments::place(j);
    return {1, v, v * v, u, u * v, static_cast<double>(codes_.square(x))};
  }

  /// `values` are [x - 1][j].
  Terms fit(const std::vector<double>& values) const {
    Terms sums{};
    std::size_t n = 0;
    for (int x = 1; x <= codes_.rows(); ++x) {
      for (int j = 0; j < kSlice; ++j, ++n) {
        const Terms here = at(x, j);
        for (std::size_t k = 0; k < kTerms; ++k) sums[k] += here[k] * values[n];
      }
    }
    return solve(sums);
  }

 private:
  /// Cholesky factor of the normal equations; a term that depends on those before it gets 0.
  void factorise() {
    for (std::size_t a = 0; a < kTerms; ++a) {
      const double whole = factor_[a][a];
      for (std::size_t b = 0; b <= a; ++b) {
        double rest = factor_[a][b];
        for (std::size_t k = 0; k < b; ++k) rest -= factor_[a][k] * factor_[b][k];
        if (b == a)
          factor_[a][a] = rest > 1e-9 * whole ? std::sqrt(rest) : 0;
        else
          factor_[a][b] = factor_[b][b] > 0 ? rest / factor_[b][b] : 0;
      }
    }
  }
  Terms solve(Terms sums) const {
    for (std::size_t a = 0; a < kTerms; ++a) {
      for (std::size_t k = 0; k < a; ++k) sums[a] -= factor_[a][k] * sums[k];
      sums[a] = factor_[a][a] > 0 ? sums[a] / factor_[a][a] : 0;
    }
    for (std::size_t a = kTerms; a-- > 0;) {
      for (std::size_t k = a + 1; k < kTerms; ++k) sums[a] -= factor_[k][a] * sums[k];
      sums[a] = factor_[a][a] > 0 ? sums[a] / factor_[a][a] : 0;
    }
    return sums;
  }

  const RowCodes& codes_;
  std::array<Terms, kTerms> factor_{};
};

/// Fit of the paths of a slice through cells of one kind.
struct Paths {
  Terms fit{};
  double extra = 0;  ///< S a cell, what the fit leaves of all currents
};

Paths fit_paths(const PathFit& fits, const RowCodes& codes, const CellNetwork& network, int digit,
                int first, const std::vector<std::int64_t>& cells) {
  std::vector<double> values;
  values.reserve(cells.size());
  for (int x = 1; x <= codes.rows(); ++x)
    for (int j = 0; j < kSlice; ++j) values.push_back(network.path(digit, 0, first + j, x));
  Paths out{fits.fit(values), 0};
  double left = 0, count = 0;
  std::size_t n = 0;
  for (int x = 1; x <= codes.rows(); ++x) {
    for (int j = 0; j < kSlice; ++j, ++n) {
      if (cells[n] == 0) continue;
      left += static_cast<double>(cells[n]) * (values[n] - product(out.fit, fits.at(x, j)));
      count += static_cast<double>(cells[n]);
    }
  }
  if (count > 0) out.extra = left / count;
  return out;
}

struct Spread {
  double mean = 0;
  double deviation = 0;
};

/// Mean and standard deviation of the sum of the paths of a bin's sensings, S.
Spread conductance(const MomentBin& bin, const Paths& off_paths, const Paths& on_paths) {
  const auto count = static_cast<double>(bin.sums[kernels::kSensings]);
  const auto mean = [&](std::int64_t sum) { return static_cast<double>(sum) / count; };
  const auto on = static_cast<double>(bin.on), off = static_cast<double>(bin.active - bin.on);
  const double u = mean(bin.sums[kernels::kOnPosition]);
  const double all = mean(bin.sums[kernels::kAllPosition]);
  const double v = mean(bin.place), vu = mean(bin.place_on), vall = mean(bin.place_all);
  const double squares = mean(bin.sums[kernels::kOnSquare]);
  const double all_squares = mean(bin.sums[kernels::kAllSquare]);
  const double vv = mean(bin.place_square);
  const Terms of_on{on, on * v, on * vv, u, vu, squares};
  const Terms of_off{off, off * v, off * vv, all - u, vall - vu, all_squares - squares};
  Spread out;
  out.mean = product(on_paths.fit, of_on) + on_paths.extra * on + product(off_paths.fit, of_off) +
             off_paths.extra * off;
  // To first order: a linear function of on position, position of all and place.
  const double by_all = off_paths.fit[kPosition];
  const double by_on = on_paths.fit[kPosition] - by_all;
  const double by_place = on_paths.fit[kPlace] * on + off_paths.fit[kPlace] * off;
  const double variance = by_on * by_on * (mean(bin.sums[kernels::kOnOn]) - u * u) +
                          by_all * by_all * (mean(bin.sums[kernels::kAllAll]) - all * all) +
                          by_place * by_place * (vv - v * v) +
                          2 * by_on * by_all * (mean(bin.sums[kernels::kOnAll]) - u * all) +
                          2 * by_on * by_place * (vu - u * v) +
                          2 * by_all * by_place * (vall - all * v);
  out.deviation = std::sqrt(std::max(variance, 0.0));
  return out;
}

/// Middles of eight parts of a normal distribution, each with its negative, scaled to a variance
/// of 1.
constexpr double kNormal[] = {0.170522, 0.529825, 0.961651, 1.662960};

/// Spreads `sensings` with this mean and variance: a few over two conductances, which is exact for
/// two of them, and more like a normal distribution.
void spread_out(const Spread& sum, double scale, std::int64_t count, double sensings,
                std::vector<ConductanceCount>& found) {
  const auto add = [&](double deviations, double share) {
    for (const double sign : {-1.0, 1.0}) {
      const double conductance = sum.mean + sign * deviations * sum.deviation;
      found.push_back({std::max(conductance, 0.0) * scale, sensings * share});
    }
  };
  if (count < 8)
    add(1, 0.5);
  else
    for (const double deviations : kNormal) add(deviations, 0.125);
}

/// Conductances of a slice, some for each bin.
std::vector<ConductanceCount> slice_conductances(const ColumnMoments& moments,
                                                 const ColumnReads& reads, const PathFit& fits,
                                                 std::size_t number) {
  const MomentSlice& slice = moments.slices[number];
  const int first = static_cast<int>(number) * kSlice;
  std::vector<std::int64_t> off_at(slice.active_at);
  for (std::size_t n = 0; n < off_at.size(); ++n) off_at[n] -= slice.on_at[n];
  const Paths off = fit_paths(fits, moments.codes, reads.network, 0, first, off_at);
  const Paths on = fit_paths(fits, moments.codes, reads.network, 1, first, slice.on_at);
  std::vector<ConductanceCount> found;
  found.reserve(8 * slice.bins.size());
  for (const MomentBin& bin : slice.bins) {
    if (reads.per_row && bin.active == 0) continue;
    const auto rows = static_cast<double>(bin.active);
    const double scale = 1 / (reads.per_row ? rows : reads.groups);
    const std::int64_t count = bin.sums[kernels::kSensings];
    const double sensings = static_cast<double>(count) * (reads.per_row ? rows : reads.groups);
    spread_out(conductance(bin, off, on), scale, count, sensings, found);
  }
  return found;
}

std::int32_t cell_of(double conductance) {
  return std::bit_cast<std::int32_t>(static_cast<float>(conductance)) >> kCellShift;
}

/// Means of the conductances within each cell, ascending.
std::vector<ConductanceCount> merge(const std::vector<std::vector<ConductanceCount>>& slices,
                                    double images) {
  std::int32_t first = std::numeric_limits<std::int32_t>::max(), last = 0;
  for (const auto& slice : slices) {
    for (const ConductanceCount& one : slice) {
      if (one.conductance == 0) continue;
      first = std::min(first, cell_of(one.conductance));
      last = std::max(last, cell_of(one.conductance));
    }
  }
  // Cell 0 is for columns that conduct nothing.
  std::vector<ConductanceCount> cells(last < first ? 1
                                                   : static_cast<std::size_t>(last - first + 2));
  for (const auto& slice : slices) {
    for (const ConductanceCount& one : slice) {
      const std::int32_t cell = one.conductance == 0 ? 0 : cell_of(one.conductance) - first + 1;
      cells[static_cast<std::size_t>(cell)].conductance += one.conductance * one.sensings;
      cells[static_cast<std::size_t>(cell)].sensings += one.sensings;
    }
  }
  std::erase_if(cells, [](const ConductanceCount& cell) { return cell.sensings == 0; });
  for (ConductanceCount& cell : cells) {
    cell.conductance /= cell.sensings;
    cell.sensings /= images;
  }
  return cells;
}

}  // namespace

double path_spread(const ColumnReads& reads) {
  int rows = 0;
  for (const CellBlock& block : reads.blocks) rows = std::max(rows, block.rows.count);
  const CellNetwork& network = reads.network;
  const double most = *std::ranges::max_element(network.conductance);
  return (rows * network.col_resistance + kSlice * network.row_resistance) / 2 /
         (1 / most + network.access_resistance);
}

bool moments_describe(const ColumnReads& reads, double bit_vectors) {
  double sensings = 0;
  for (const CellBlock& block : reads.blocks) {
    if (block.rows.count > kMomentRows) return false;
    sensings += bit_vectors * block.cols.count;
  }
  return reads.network.conductance.size() == 2 && sensings >= kManySensings &&
         path_spread(reads) <= kMostSpread;
}

std::vector<ConductanceCount> moment_conductances(const ColumnMoments& moments,
                                                  const ColumnReads& reads, std::size_t images,
                                                  int threads) {
  const PathFit fits(moments.codes);
  std::vector<std::vector<ConductanceCount>> found(moments.slices.size());
  parallel_for(found.size(), threads, [&](std::size_t s, std::size_t) {
    found[s] = slice_conductances(moments, reads, fits, s);
  });
  return merge(found, static_cast<double>(images));
}

}  // namespace cimsim
