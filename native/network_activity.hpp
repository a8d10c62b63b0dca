// Activity of a whole network, built once and used for every design point with the same inputs.
#pragma once
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

#include "column_moments.hpp"
#include "conductances.hpp"
#include "floorplan.hpp"

namespace cimsim {

/// Inputs and weights of one layer, which someone else owns. `weights` (stored codes [K, N]) may be
/// empty unless `sensing_depends_on_weights`; `inputs` are the bytes of the images' codes.
struct LayerData {
  std::vector<CodeMatrix<std::uint8_t>> inputs;
  CodeMatrix<std::int32_t> weights;
};

class NetworkActivity {
 public:
  /// `data` and `input_bits` are those of `layers`; the data must outlive the object. Throws
  /// std::invalid_argument for data that does not fit.
  NetworkActivity(std::vector<NetworkLayer> layers, std::vector<LayerData> data,
                  std::vector<int> input_bits, int threads);

  const std::vector<NetworkLayer>& layers() const { return layers_; }
  const RowActivity& rows(std::size_t layer) const { return rows_[layer]; }
  int input_bits(std::size_t layer) const { return input_bits_[layer]; }
  /// Throws std::invalid_argument if a layer has no weights of its shape.
  void check_weights() const;
  /// Distribution of what the columns of a layer conduct; kept for other ADCs on the same columns,
  /// as are the moments that it comes from for other technologies. Whether it does depends on the
  /// layer and the reads alone (`moments_describe`).
  const std::vector<ConductanceCount>& conductances(std::size_t layer, const ColumnReads& reads,
                                                    int threads);
  /// To be held while the object is in use.
  std::mutex& mutex() { return mutex_; }

 private:
  using Known = std::pair<ColumnReads, std::vector<ConductanceCount>>;
  static constexpr std::size_t kMostKnown = 8;             ///< distributions kept for a layer
  using Mapping = std::pair<std::vector<CellBlock>, int>;  ///< with the cells of a weight
  using KnownMoments = std::pair<Mapping, ColumnMoments>;
  static constexpr std::size_t kMostMoments = 2;  ///< mappings whose moments are kept for a layer

  const ColumnMoments& moments(std::size_t layer, const ColumnReads& reads, int threads);

  std::vector<NetworkLayer> layers_;
  std::vector<LayerData> data_;
  std::vector<int> input_bits_;
  std::vector<RowActivity> rows_;
  std::vector<std::deque<Known>> known_;
  std::vector<std::deque<KnownMoments>> moments_;
  std::mutex mutex_;
};

}  // namespace cimsim
