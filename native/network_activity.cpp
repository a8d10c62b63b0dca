#include "network_activity.hpp"

#include <algorithm>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "moment_conductances.hpp"
#include "parallel.hpp"

namespace cimsim {
namespace {

void check(const NetworkLayer& layer, const LayerData& data) {
  for (const int size : {layer.height, layer.width, layer.in_channels, layer.kernel_height,
                         layer.kernel_width, layer.out_channels, layer.groups, layer.vectors()})
    if (size < 1) throw std::invalid_argument("a layer has a size below 1, or no input vector");
  if (layer.in_channels % layer.groups != 0 || layer.out_channels % layer.groups != 0)
    throw std::invalid_argument("the groups of a layer must divide its channels");
  const auto rows = static_cast<std::size_t>(layer.fan_in());
  if (data.inputs.empty() || data.inputs.front().rows != rows)
    throw std::invalid_argument("the trace of a layer must have " + std::to_string(rows) + " rows");
}

}  // namespace

NetworkActivity::NetworkActivity(std::vector<NetworkLayer> layers, std::vector<LayerData> data,
                                 std::vector<int> input_bits, int threads)
    : layers_(std::move(layers)),
      data_(std::move(data)),
      input_bits_(std::move(input_bits)),
      known_(layers_.size()),
      moments_(layers_.size()) {
  if (layers_.size() != data_.size() || layers_.size() != input_bits_.size())
    throw std::invalid_argument("layers and traces differ in number");
  std::vector<std::optional<RowActivity>> built(layers_.size());
  std::vector<std::exception_ptr> errors(layers_.size());
  parallel_for(layers_.size(), threads, [&](std::size_t l, std::size_t) {
    try {
      check(layers_[l], data_[l]);
      built[l].emplace(data_[l].inputs, layers_[l].vectors(), input_bits_[l]);
    } catch (...) {
      errors[l] = std::current_exception();
    }
  });
  for (const auto& error : errors)
    if (error) std::rethrow_exception(error);
  for (auto& rows : built) rows_.push_back(std::move(*rows));
}

void NetworkActivity::check_weights() const {
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const CodeMatrix<std::int32_t>& weights = data_[l].weights;
    const auto rows = static_cast<std::size_t>(layers_[l].group_rows());
    if (weights.rows != rows || weights.cols != static_cast<std::size_t>(layers_[l].out_channels))
      throw std::invalid_argument("the weights of a layer must be " + std::to_string(rows) + " x " +
                                  std::to_string(layers_[l].out_channels));
  }
}

namespace {

/// The value under `key` in what is known; one that is not takes the place of the oldest.
template <typename Key, typename Value, typename Make>
const Value& recall(std::deque<std::pair<Key, Value>>& known, std::size_t most, const Key& key,
                    const Make& make) {
  const auto found = std::ranges::find(known, key, &std::pair<Key, Value>::first);
  if (found != known.end()) return found->second;
  if (known.size() == most) known.pop_front();
  known.emplace_back(key, make());
  return known.back().second;
}

}  // namespace

const ColumnMoments& NetworkActivity::moments(std::size_t layer, const ColumnReads& reads,
                                              int threads) {
  const int cells = reads.network.cells_per_weight;
  return recall(moments_[layer], kMostMoments, {reads.blocks, cells}, [&] {
    return column_moments(rows_[layer], data_[layer].weights, reads.blocks, cells, threads);
  });
}

const std::vector<ConductanceCount>& NetworkActivity::conductances(std::size_t layer,
                                                                   const ColumnReads& reads,
                                                                   int threads) {
  return recall(known_[layer], kMostKnown, reads, [&] {
    const RowActivity& rows = rows_[layer];
    if (moments_describe(reads, rows.bit_vectors() * static_cast<double>(rows.images())))
      return moment_conductances(moments(layer, reads, threads), reads, rows.images(), threads);
    return column_conductances(rows, data_[layer].weights, reads, threads);
  });
}

}  // namespace cimsim
