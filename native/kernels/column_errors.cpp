#include "kernels/column_errors.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace cimsim::kernels {

namespace {

constexpr double kFarthest = 1 << 20;  // of a transition from 0, in codes: bounds the table

void expect_size(const std::vector<double>& values, int64_t size, const char* name) {
  if (!values.empty() && static_cast<int64_t>(values.size()) != size) {
    throw std::invalid_argument(std::string(name) + ": wrong size");
  }
}

// The least float that is not below x: a float reaches x where it reaches that.
float round_up(double x) {
  const float near = static_cast<float>(x);
  return static_cast<double>(near) < x
             ? std::nextafter(near, std::numeric_limits<float>::infinity())
             : near;
}

}  // namespace

bool ColumnErrors::any() const {
  return !(gain.empty() && offset.empty() && noise.empty() && transitions.empty());
}

StoredErrors::StoredErrors(const ColumnErrors& errors, int slices, int64_t groups, int64_t columns,
                           int64_t width, double step)
    : group_size_(slices * width) {
  const int64_t size = slices * groups * columns;
  expect_size(errors.gain, size, "gain");
  expect_size(errors.offset, size, "offset");
  expect_size(errors.noise, size, "noise");
  expect_size(errors.reference_noise, groups, "reference_noise");
  const auto lay_out = [&](const std::vector<double>& values, auto&& stored_of) {
    std::vector<float> stored(static_cast<std::size_t>(groups * group_size_), 0.0F);
    std::size_t from = 0;
    for (int j = 0; j < slices; ++j) {
      for (int64_t g = 0; g < groups; ++g) {
        for (int64_t n = 0; n < columns; ++n, ++from) {
          const double value = values.empty() ? 0.0 : values[from];
          stored[static_cast<std::size_t>(g * group_size_ + j * width + n)] =
              static_cast<float>(stored_of(value));
        }
      }
    }
    return stored;
  };
  scale_ = lay_out(errors.gain, [step](double gain) { return (1.0 + gain) / step; });
  offset_ = lay_out(errors.offset, [](double offset) { return offset; });
  if (!errors.noise.empty()) {
    deviation_ = lay_out(errors.noise, [](double deviation) { return deviation; });
  }
  reference_deviation_.assign(errors.reference_noise.begin(), errors.reference_noise.end());
  if (!errors.transitions.empty()) store_transitions(errors.transitions);
}

// Bins of one code each, from below the first transition to the last one.
void StoredErrors::store_transitions(const std::vector<double>& transitions) {
  for (const double transition : transitions) {
    if (!(std::abs(transition) < kFarthest)) {
      throw std::invalid_argument("transitions: allowed -2^20 to 2^20 codes");
    }
  }
  if (!std::is_sorted(transitions.begin(), transitions.end())) {
    throw std::invalid_argument("transitions: they never fall");
  }
  for (const double transition : transitions) transitions_.push_back(round_up(transition));
  first_bin_ = static_cast<int>(std::floor(transitions_.front())) - 1;
  const int last_bin = static_cast<int>(std::ceil(transitions_.back()));
  const auto count_below = [&](int position) {  // transitions at or below
    const auto end =
        std::upper_bound(transitions_.begin(), transitions_.end(), static_cast<float>(position));
    return static_cast<int32_t>(end - transitions_.begin());
  };
  for (int bin = first_bin_; bin <= last_bin; ++bin) first_codes_.push_back(count_below(bin));
  for (std::size_t k = 1; k < first_codes_.size(); ++k) {
    transitions_of_bin_ = std::max(transitions_of_bin_, first_codes_[k] - first_codes_[k - 1]);
  }
  transitions_.push_back(std::numeric_limits<float>::infinity());
}

GroupErrors StoredErrors::of_group(int64_t group) const {
  GroupErrors found;
  found.scale = scale_.data() + group * group_size_;
  found.offset = offset_.data() + group * group_size_;
  if (!deviation_.empty()) found.deviation = deviation_.data() + group * group_size_;
  if (!reference_deviation_.empty()) {
    found.reference_deviation = reference_deviation_[static_cast<std::size_t>(group)];
  }
  if (!first_codes_.empty()) {
    found.transitions = transitions_.data();
    found.first_codes = first_codes_.data();
    found.first_bin = first_bin_;
    found.bins = static_cast<int>(first_codes_.size());
    found.transitions_of_bin = transitions_of_bin_;
  }
  return found;
}

}  // namespace cimsim::kernels
