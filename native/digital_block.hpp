// Blocks of the chip beside the arrays that hold weights: products of two activations, and digital
// operations. They are built from the circuits of the engine; the reference has no such blocks.
#pragma once
#include <map>
#include <string>

#include "parameters.hpp"

namespace cimsim {

/// Figures of one block by component; a block is all that one product or operation needs.
struct BlockFigures {
  double latency = 0;                     ///< s an image
  double units = 0;                       ///< arrays, or lanes
  std::map<std::string, double> energy;   ///< J an image, dynamic
  std::map<std::string, double> area;     ///< m^2
  std::map<std::string, double> leakage;  ///< W
};

/// What all blocks of a chip share.
struct BlockSettings {
  double clock_period = 0;  ///< s, of a synchronous chip; else 0
  double activity = 0.5;    ///< share of ones among the bits of an operand
  int lanes = 64;           ///< elements that a digital unit takes in at once
};

/// Product of two activations: `batch` times [vectors x rows] by [rows x columns].
struct DynamicProduct {
  int batch = 1;
  int vectors = 1;
  int rows = 1;
  int columns = 1;
};

/// Operations of a digital unit on one element, and once for each row of elements.
struct UnitWork {
  std::string component;    ///< name of the unit
  double elements = 0;      ///< an image
  int length = 1;           ///< elements of a row
  int passes = 1;           ///< times that the elements go through the unit
  int additions = 0;        ///< an element; subtractions and comparisons are additions
  int multiplications = 0;  ///< an element
  int lookups = 0;          ///< an element, in a table with an entry for each code
  int row_steps = 0;        ///< a row, one after the other; each costs a look-up
  double reads = 1;         ///< operands an element that come from the buffer
  double kept = 1;          ///< elements kept in the buffer for each element
  double writes = 1;        ///< results an element
};

/// `context` is of an SRAM chip in the technology of the design, with the operands' bits as both
/// input and synapse bits.
/// A digital SRAM macro (Chih et al., ISSCC 2021, paper 16.4): bit-serial inputs gate the stored
/// bits, an adder tree for each column of words adds them.
/// Throws std::domain_error if a word is wider than an array.
BlockFigures digital_product(const Context& context, const DynamicProduct& product,
                             const BlockSettings& settings);
/// The SRAM subarray of the design, its rows written before each product.
BlockFigures sram_product(const Context& context, const DynamicProduct& product,
                          const BlockSettings& settings);
/// A unit of `settings.lanes` lanes.
BlockFigures digital_unit(const Context& context, const UnitWork& work,
                          const BlockSettings& settings);

}  // namespace cimsim
