// One step of RMSprop and Adam on every instruction set against the same formula in double precision.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "tests/optimizers.hpp"

namespace optotype {

namespace {

constexpr int kWeights = 4096;
constexpr float kRate = 0.01f, kFirst = 0.9f, kSecond = 0.999f, kEpsilon = 1e-7f;

struct State {
  float gradient[kWeights], weights[kWeights], first[kWeights], second[kWeights];
};

double expected_change(OptimizerKind kind, double gradient, double first, double second) {
  const double square = kSecond * second + (1.0 - kSecond) * gradient * gradient;
  if (kind == OptimizerKind::rmsprop) return -kRate * gradient / std::sqrt(square + kEpsilon);
  return -kRate * (kFirst * first + (1.0 - kFirst) * gradient) / (std::sqrt(square) + kEpsilon);
}

// Gradients of 1e-12 to 1e6, of both signs, and states as gradients ten times as large would have left them.
State spread() {
  State state = {};
  for (int i = 0; i < kWeights; ++i) {
    state.gradient[i] = static_cast<float>((i % 2 ? 1 : -1) * std::pow(10.0, -12.0 + 18.0 * i / kWeights));
    state.first[i] = 10.0f * std::fabs(state.gradient[i]);
    state.second[i] = state.first[i] * state.first[i];
  }
  return state;
}

void step(const Kernels& kernels, OptimizerKind kind, State& s) {
  kernels.update({kind, kRate, kFirst, kSecond, kEpsilon, s.gradient, s.weights, s.first, s.second}, kWeights);
}

bool extremes_stay_numbers(const Kernels& kernels, OptimizerKind kind) {
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
  bool right = true;
  for (OptimizerKind kind : {OptimizerKind::rmsprop, OptimizerKind::adam}) {
    static State after;
    const State before = spread();
    after = before;
    step(kernels, kind, after);
    double worst = 0.0;
    for (int i = 0; i < kWeights; ++i) {
      const double change = expected_change(kind, before.gradient[i], before.first[i], before.second[i]);
      worst = std::max(worst, std::fabs(after.weights[i] / change - 1.0));
    }
    if (worst > 1e-6) std::printf("an optimizer on %s is wrong by %g of a change\n", kernels.name, worst);
    right = right && worst <= 1e-6 && extremes_stay_numbers(kernels, kind);
  }
  return right;
}

}  // namespace optotype
