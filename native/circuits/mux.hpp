// Column multiplexer: pass gates between several columns and one ADC.
#pragma once
#include "circuits/pass_gate.hpp"

namespace cimsim {

class Mux : public Circuit {
 public:
  explicit Mux(const Context& context) : Circuit(context) {}
  /// `inputs` ADCs with `selections` columns each, in series with a resistance (ohm).
  void size(int inputs, int selections, double series_resistance);
  void layout(double new_width);
  /// Forces both sides. The capacitances are then those of unfolded gates (quirk 33).
  void layout_override(double new_height, double new_width);
  /// Always in s.
  void latency(double load, double reads);
  void power(double reads);

  const PassGate& gate() const { return gate_; }

 private:
  PassGate gate_;
  int inputs_ = 0;
  int selections_ = 0;
};

}  // namespace cimsim
