// The tile: processing elements with an accumulator, buffers and an H-tree between them.
//
// A conventional tile is a square of elements that hold a block of the unrolled weight matrix. A
// novel tile has one element for each kernel position (Peng, Liu and Yu, "Optimizing weight mapping
// and data flow for convolutional neural networks on processing-in-memory architectures", IEEE
// TCAS-I 2020).
#pragma once
#include <optional>

#include "circuits/adder_tree.hpp"
#include "circuits/buffer.hpp"
#include "circuits/shift_add.hpp"
#include "circuits/sigmoid.hpp"
#include "circuits/wires.hpp"
#include "processing_element.hpp"

namespace cimsim {

/// Activation units: rectifiers or look-up tables of the sigmoid.
class ActivationUnit {
 public:
  ActivationUnit(const Context& context, const Cell& cell) : context_(context), cell_(cell) {}
  /// `units` rectifiers, or `functions` tables of `entries` values.
  void size(int units, int entries, int functions);
  void layout(double new_width);
  void evaluate(double reads);
  /// Results that one read gives (the reference divides by the entries of a table).
  double width() const { return relu_ ? relu_->units() : sigmoid_->entries(); }
  const Circuit& circuit() const {
    return relu_ ? static_cast<const Circuit&>(*relu_) : static_cast<const Circuit&>(*sigmoid_);
  }

 private:
  const Context& context_;
  const Cell& cell_;
  std::optional<BitShifter> relu_;
  std::optional<Sigmoid> sigmoid_;
};

/// Several equal buffers that work side by side.
struct BufferBank {
  explicit BufferBank(const Context& context) : core(context) {}
  /// Splits `bits` into cores of `core_rows` x `core_cols`, or makes one of lines of `line` bits if
  /// all fits into less.
  void size(double bits, double line, int core_rows, int core_cols, bool sram);
  /// Cores that feed a bus of `bus_width` bits at the same time.
  double parallel(double bus_width) const;

  Buffer core;
  int cores = 1;
};

class Tile {
 public:
  enum class Kind { Conventional, Novel };
  /// `elements` elements (novel: kernel positions) or elements a side (conventional) of `pe_size`
  /// cells.
  Tile(const Context& context, const Subarray& subarray, Kind kind, int elements, int pe_size);

  /// Reads the part of a layer's matrix that this tile holds, for all vectors of an image.
  /// `rows` and `cols` are ranges of cells of the unrolled matrix; a novel tile takes `rows` from
  /// each kernel position, which are `position_rows` apart.
  Figures evaluate_conventional(const LayerInputs& inputs, Range rows, Range cols, Copies speed_up);
  Figures evaluate_novel(const LayerInputs& inputs, Range rows, Range cols, int position_rows,
                         Copies speed_up);

  double area() const { return height * height; }
  /// W; all of the tile, with elements, accumulator and buffers as they were used last.
  double leakage() const;
  double idle_leakage() const { return elements() * pe.idle_leakage(); }
  /// The same leakage by part; it adds up to leakage().
  Energies leakage_parts() const;
  int elements() const { return kind_ == Kind::Novel ? side_ : side_ * side_; }

  double height = 0;  ///< m, both sides
  Areas areas;
  ProcessingElement pe;
  AdderTree accumulator;
  BufferBank input_buffer, output_buffer;
  HTree htree;
  std::optional<ActivationUnit> activation;

 private:
  Energies tile_parts() const;
  void size();
  void size_one_line_buffers(double sum_bits, double elements);
  void layout();
  void accumulate(Figures& figures, double reads, int units);
  void add_activation(Figures& figures, double vectors);
  void add_transport(Figures& figures, double bits_in, double bits_out);
  double result_bits(const LayerInputs& inputs, Range cols) const;

  const Context& context_;
  Cell cell_;
  Kind kind_;
  int side_;  // elements (novel) or elements a side
  int pe_size_;
};

}  // namespace cimsim
