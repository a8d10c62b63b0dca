// Level shifter of lines that are written above the logic supply. Area only, as in the reference.
#pragma once
#include "circuits/circuit.hpp"

namespace cimsim {

class LevelShifter : public Circuit {
 public:
  explicit LevelShifter(const Context& context) : Circuit(context) {}
  void size(int outputs) { outputs_ = outputs; }
  void layout(double new_height, double new_width);

 private:
  int outputs_ = 0;
};

}  // namespace cimsim
