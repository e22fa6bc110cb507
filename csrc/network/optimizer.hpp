// The registry of optimizers: makes an optimizer from its type and settings. The formulas are in
// kernels/optimizers.hpp.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/kernels.hpp"
#include "layers/settings.hpp"

namespace optotype {

struct Optimizer {
  OptimizerKind kind;
  Hyperparameters hyperparameters;
  OptimizerState state;
  float (*bias_correction)(const Hyperparameters&, std::int64_t step);  // of the learning rate; null for none
};

// Throws std::invalid_argument if there is no such optimizer.
Optimizer make_optimizer(const std::string& type, const Settings&);

}  // namespace optotype
