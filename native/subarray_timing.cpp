// How long one read takes. In a synchronous chip a sensing is one clock cycle and additions hide
// behind the next sensing where they are short enough; otherwise delays add up in seconds.
#include <algorithm>
#include <cmath>

#include "subarray_kinds.hpp"

namespace cimsim {
namespace {

double cycles(const Parameters& p, double seconds) {
  return std::ceil(seconds * p.clock_frequency);
}

/// Cycles that adding digits and input bits takes beyond the `sensing` + `rows` cycles behind which
/// it hides.
double exposed_shift_cycles(const Parameters& p, const ReadoutCounts& n, const ReadDelays& d,
                            double sensing, double rows) {
  const double q = n.weights_per_adc;
  double b = rows;
  if (n.digits > 1)
    b += (n.digits - 1) * q * std::max(cycles(p, d.digit_addition) - (sensing + b) / n.muxed, 0.0);
  if (p.input_bits > 1 && q > 0)
    b += q * std::max(cycles(p, d.input_addition) - (sensing + b) / q, 0.0);
  return b;
}

}  // namespace

ReadTime parallel_read_time(const Parameters& p, const ReadoutCounts& n, const ReadDelays& d) {
  if (p.synchronous) {
    const double sensing = n.muxed * n.groups;
    double rows = 0;
    if (n.groups > 1) rows = n.muxed * (n.groups - 1) * (cycles(p, d.row_addition) - 1);
    return {sensing, exposed_shift_cycles(p, n, d, sensing, rows), 0};
  }
  const double beta = p.validated ? p.beta : 1;
  const double q = n.weights_per_adc;
  ReadTime t;
  t.adc = (d.sensing + d.column) * n.muxed * beta * n.groups;
  t.other = std::max(d.word_line * n.groups, d.selection) * n.muxed * beta;
  const double additions = d.row_addition * n.muxed * (n.groups - 1) +
                           d.digit_addition * (n.digits - 1) * q + d.input_addition * q;
  t.accumulation = std::max(additions - t.adc - t.other, 0.0);
  return t;
}

ReadTime sequential_read_time(const Parameters& p, const ReadoutCounts& n, const ReadDelays& d,
                              double active) {
  if (p.synchronous) {
    const double sensing = active * n.muxed;
    const double rows = n.muxed * (active - 1) * (cycles(p, d.row_addition) - 1);
    return {sensing, exposed_shift_cycles(p, n, d, sensing, rows), 0};
  }
  const double beta = p.validated ? p.beta : 1;
  const double q = n.weights_per_adc;
  ReadTime t;
  t.adc = (d.sensing + d.column) * active * n.muxed * beta;
  t.other = std::max(d.word_line * active, d.selection) * n.muxed * beta;
  const double additions = d.row_addition * n.muxed * (active - 1) +
                           d.digit_addition * (n.digits - 1) * q + d.input_addition * q;
  t.accumulation = std::max(additions - t.adc - t.other, 0.0);
  return t;
}

ReadTime sram_row_read_time(const Parameters& p, const ReadoutCounts& n, const ReadDelays& d,
                            double active) {
  const double shifts = d.digit_addition * (n.digits - 1) + d.input_addition;
  if (p.synchronous) {
    double additions = (active - 1) * (cycles(p, d.row_addition) - 1);
    additions += std::max(cycles(p, shifts) - (active + additions), 0.0);
    return {active, additions, 0};
  }
  const double beta = p.validated ? p.beta : 1;
  ReadTime t;
  t.adc = (d.sensing + d.column) * active * beta;
  t.other = d.word_line * active * beta;
  t.accumulation = std::max(d.row_addition * (active - 1) + shifts - t.adc - t.other, 0.0);
  return t;
}

}  // namespace cimsim
