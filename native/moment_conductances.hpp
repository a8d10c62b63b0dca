// The distribution of what columns conduct, from the moments of their cells' positions.
#pragma once
#include <vector>

#include "column_moments.hpp"
#include "conductances.hpp"

namespace cimsim {

/// Whether the moments stand for the columns, of which each reads `bit_vectors` from the trace:
/// one-bit cells in blocks of at most kMomentRows rows, a `path_spread` of at most 0.1, and at
/// least 2^18 sensings, below which adding up the currents of each takes no longer.
bool moments_describe(const ColumnReads& reads, double bit_vectors);

/// Half of the wires' resistance along the longest column and a slice of columns, as a share of the
/// least resistance of a cell with its access device.
double path_spread(const ColumnReads& reads);

/// Distribution of the conductance over all sensings of an image, ascending, like
/// column_conductances.
///
/// Sensings with as many active rows and on cells share a bin. Over the rows and a slice of columns
/// the conductance of a path is fitted by a polynomial of position u and place v (1, v, v^2, u, u
/// v, u^2), so that the moments give the mean and the variance of a bin, over which its sensings
/// are spread. What the fit leaves of the total current, which is known exactly, is added to the
/// cells. With s = path_spread the sensings of a bin conduct the same within a factor of about 1 +-
/// s, and mean and variance are right, so a smooth energy is off by the third order, a relative s^3
/// at most: 0.1 % for the largest s. Where the energy jumps, sensings within a factor of 1 +- 4 s
/// of the jump may be counted on its other side. docs/ppa.md says what tests find.
std::vector<ConductanceCount> moment_conductances(const ColumnMoments& moments,
                                                  const ColumnReads& reads, std::size_t images,
                                                  int threads);

}  // namespace cimsim
