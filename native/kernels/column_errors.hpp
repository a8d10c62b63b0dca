// Deviations of columns and of their ADCs from the ideal conversion rint(sum / step).
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/group_job.hpp"

namespace cimsim::kernels {

// Each may be empty: no such error. Arrays [slice][group][column] unless said otherwise.
struct ColumnErrors {
  std::vector<double> gain;             // relative error of the ADC's gain
  std::vector<double> offset;           // of the ADC, codes
  std::vector<double> noise;            // deviation of what a read adds whatever the inputs, units
  std::vector<double> reference_noise;  // [group]: the same of the reference column
  std::vector<double> transitions;      // [top]: least analog value (codes) of codes 1 to top

  bool any() const;
};

// The errors of a layer in the kernels' layout.
class StoredErrors {
 public:
  // Columns are padded to `width`. Throws std::invalid_argument for arrays of another size, or
  // transitions that fall, are not finite or lie too far from the codes.
  StoredErrors(const ColumnErrors& errors, int slices, int64_t groups, int64_t columns,
               int64_t width, double step);

  GroupErrors of_group(int64_t group) const;
  // True if the reference column has noise of its own.
  bool has_reference_noise() const { return !reference_deviation_.empty(); }

 private:
  void store_transitions(const std::vector<double>& transitions);

  int64_t group_size_ = 0;
  std::vector<float> scale_, offset_, deviation_;  // [group][slice][width]
  std::vector<float> reference_deviation_;         // [group]
  std::vector<float> transitions_;
  std::vector<int32_t> first_codes_;
  int first_bin_ = 0;
  int transitions_of_bin_ = 0;
};

}  // namespace cimsim::kernels
