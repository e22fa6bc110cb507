#include "network/optimizer.hpp"

#include <cmath>
#include <limits>
#include <stdexcept>

namespace optotype {

namespace {

// `step` begins at 1.
float adam_bias_correction(const Hyperparameters& h, std::int64_t step) {
  const double t = static_cast<double>(step);
  return static_cast<float>(std::sqrt(1.0 - std::pow(static_cast<double>(h.beta_2), t)) /
                            (1.0 - std::pow(static_cast<double>(h.beta_1), t)));
}

constexpr struct {
  const char* type;
  OptimizerKind kind;
  OptimizerState (*state)(const Hyperparameters&);
  float (*bias_correction)(const Hyperparameters&, std::int64_t step);
} kOptimizers[] = {
    {"SGD", OptimizerKind::sgd,
     [](const Hyperparameters& h) { return OptimizerState{.m = h.momentum != 0.0f, .v = false}; }, nullptr},
    {"RMSprop", OptimizerKind::rmsprop, [](const Hyperparameters&) { return OptimizerState{.m = false, .v = true}; },
     nullptr},
    {"Adam", OptimizerKind::adam, [](const Hyperparameters&) { return OptimizerState{.m = true, .v = true}; },
     adam_bias_correction},
};

Hyperparameters read_hyperparameters(const Settings& settings) {
  const auto read = [&](const char* name, float max) {
    return settings.has(name) ? settings.number(name, 0.0f, max) : 0.0f;
  };
  return {.momentum = read("momentum", 1.0f),
          .rho = read("rho", 1.0f),
          .beta_1 = read("beta_1", 1.0f),
          .beta_2 = read("beta_2", 1.0f),
          .epsilon = read("epsilon", std::numeric_limits<float>::max())};
}

}  // namespace

Optimizer make_optimizer(const std::string& type, const Settings& settings) {
  const Hyperparameters hyperparameters = read_hyperparameters(settings);
  for (const auto& row : kOptimizers)
    if (type == row.type) return {row.kind, hyperparameters, row.state(hyperparameters), row.bias_correction};
  throw std::invalid_argument("unknown optimizer " + type);
}

}  // namespace optotype
