#include "circuits/adder_tree.hpp"

#include <cmath>
#include <stdexcept>

namespace cimsim {
namespace {

int stages_of(int operands) { return static_cast<int>(std::ceil(std::log2(operands))); }

// Calls visit(adders, bits) for each stage; an odd operand is dropped at each halving (quirk 10).
template <class Visit>
void for_each_stage(int operands, int bits, Visit visit) {
  const int stages = stages_of(operands);
  for (int s = 0; s < stages; ++s) {
    operands /= 2;
    visit(operands, bits + s);
  }
}

}  // namespace

void AdderTree::size(int inputs, int bits, int trees) {
  if (inputs < 1) throw std::domain_error("an adder tree needs at least one operand");
  inputs_ = inputs;
  bits_ = bits;
  trees_ = trees;
  stages_ = stages_of(inputs);
}

void AdderTree::layout(double new_height, double new_width) {
  if (new_height == 0 && new_width == 0) {
    throw std::domain_error("an adder tree needs a given height or width");
  }
  int total_bits = 0;
  for_each_stage(inputs_, bits_, [&](int adders, int bits) { total_bits += adders * bits; });
  adder_.size(total_bits, trees_);
  adder_.layout(new_width != 0 ? 0 : new_height, new_width);
  fits = adder_.fits;
  stretch(adder_.area, new_height, new_width);
}

void AdderTree::latency(double reads, int used_inputs, double load) {
  const int stages = stages_of(used_inputs > 0 ? used_inputs : inputs_);
  adder_.size(bits_, 1);
  adder_.latency(kStep, load, 1);
  double total = adder_.read_latency;
  if (stages > 1) {
    adder_.size(2, 1);
    adder_.latency(kStep, load, 1);
    total += adder_.read_latency * (stages - 1);
  }
  read_latency = in_cycles(total) * reads;
}

void AdderTree::power(double reads, int used_inputs) {
  leakage = read_energy = 0;
  for_each_stage(used_inputs > 0 ? used_inputs : inputs_, bits_, [&](int adders, int bits) {
    adder_.size(bits, adders);
    adder_.power(1, adders);
    read_energy += adder_.read_energy * trees_;
    leakage += adder_.leakage * trees_;
  });
  read_energy *= reads;
}

}  // namespace cimsim
