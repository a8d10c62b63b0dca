// The processing element: a square of subarrays whose results an adder tree sums up.
#pragma once
#include "circuits/adder_tree.hpp"
#include "circuits/flip_flops.hpp"
#include "circuits/wires.hpp"
#include "floorplan.hpp"
#include "subarray.hpp"

namespace cimsim {

class ProcessingElement {
 public:
  /// Sizes and lays out an element of `size` x `size` cells.
  ProcessingElement(const Context& context, const Subarray& subarray, int size);

  /// Reads a matrix of cells with every bit-vector of an image. `copies` of the matrix share the
  /// vectors. The leakage afterwards is that of the adder tree as it was used last.
  Figures evaluate(const LayerInputs& inputs, Range rows, Range cols, Copies copies);

  double area() const { return height * height; }
  double leakage() const;          ///< W
  double idle_leakage() const;     ///< W, of SRAM cells that are not read
  Energies leakage_parts() const;  ///< W by part; they add up to leakage()
  int subarrays_per_side() const { return side_; }
  int subarrays() const { return side_ * side_; }

  double height = 0;  ///< m, both sides
  Areas areas;

  const AdderTree& tree() const { return tree_; }
  const FlipFlops& input_buffer() const { return input_buffer_; }
  const FlipFlops& output_buffer() const { return output_buffer_; }
  const Bus& input_bus() const { return input_bus_; }
  const Bus& output_bus() const { return output_bus_; }

 private:
  Figures read_blocks(const LayerInputs& inputs, Range rows, Range cols);
  void add_tree(Figures& figures, double reads, int units);
  void add_transport(Figures& figures, const LayerInputs& inputs, Range rows, Range cols);

  const Context& context_;
  const Subarray& subarray_;
  int side_;        // subarrays along a side of the layout
  int array_rows_;  // subarrays that hold the rows of `size` cells
  int array_cols_;
  int partial_bits_;
  AdderTree tree_;
  FlipFlops input_buffer_, output_buffer_;
  Bus input_bus_, output_bus_;
};

}  // namespace cimsim
