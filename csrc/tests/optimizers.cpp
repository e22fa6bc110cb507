// One step of RMSprop and Adam on every instruction set against the same formula in double precision.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "tests/optimizers.hpp"

namespace optotype {

namespace {

constexpr int kWeights = 4096;
constexpr float kRate = 0.01f, kEpsilon = 1e-7f;
constexpr float kMeanDecay = 0.9f, kSquareDecay = 0.999f;

struct State {
  float gradient[kWeights], weights[kWeights], m[kWeights], v[kWeights];
};

double expected_change(OptimizerKind kind, double gradient, double m, double v) {
  const double square = kSquareDecay * v + (1.0 - kSquareDecay) * gradient * gradient;
  if (kind == OptimizerKind::rmsprop) return -kRate * gradient / std::sqrt(square + kEpsilon);
  return -kRate * (kMeanDecay * m + (1.0 - kMeanDecay) * gradient) / (std::sqrt(square) + kEpsilon);
}

// Gradients of 1e-12 to 1e6 of both signs, and moments as after gradients ten times as large.
State make_state() {
  State state = {};
  for (int i = 0; i < kWeights; ++i) {
    state.gradient[i] = static_cast<float>((i % 2 ? 1 : -1) * std::pow(10.0, -12.0 + 18.0 * i / kWeights));
    state.m[i] = 10.0f * std::fabs(state.gradient[i]);
    state.v[i] = state.m[i] * state.m[i];
  }
  return state;
}

void step(const Kernels& kernels, OptimizerKind kind, State& s) {
  const Hyperparameters hyperparameters = {
      .momentum = 0.0f, .rho = kSquareDecay, .beta_1 = kMeanDecay, .beta_2 = kSquareDecay, .epsilon = kEpsilon};
  kernels.update({kind, kRate, hyperparameters, s.gradient, s.weights, s.m, s.v}, kWeights);
}

bool extremes_stay_finite(const Kernels& kernels, OptimizerKind kind) {
  static State s;
  s = {};
  s.gradient[1] = 1e30f;  // its square overflows
  for (int i = 0; i < 3; ++i, s.gradient[1] = 0.0f) step(kernels, kind, s);
  const bool finite = s.weights[0] == 0.0f && std::isfinite(s.weights[1]);
  s.gradient[2] = std::numeric_limits<float>::quiet_NaN();
  step(kernels, kind, s);
  return finite && std::isnan(s.weights[2]) && s.weights[3] == 0.0f;
}

}  // namespace

bool check_optimizers(const Kernels& kernels) {
  bool passed = true;
  for (OptimizerKind kind : {OptimizerKind::rmsprop, OptimizerKind::adam}) {
    static State after;
    const State before = make_state();
    after = before;
    step(kernels, kind, after);
    double largest_error = 0.0;
    for (int i = 0; i < kWeights; ++i) {
      const double change = expected_change(kind, before.gradient[i], before.m[i], before.v[i]);
      largest_error = std::max(largest_error, std::fabs(after.weights[i] / change - 1.0));
    }
    if (largest_error > 1e-6)
      std::printf("an optimizer on %s has a relative error of %g\n", kernels.name, largest_error);
    passed = passed && largest_error <= 1e-6 && extremes_stay_finite(kernels, kind);
  }
  return passed;
}

}  // namespace optotype
