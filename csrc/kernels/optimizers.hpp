// One step of each optimizer, as Keras 3 defines it.
#pragma once

#include "kernels/kernels.hpp"
#include "kernels/vector.hpp"

namespace optotype {
namespace {

// velocity = momentum velocity - rate gradient; weights += velocity.
void sgd(const Update& u, std::size_t n) {
  float* __restrict weights = u.weights;
  float* __restrict velocity = u.m;
  const float* __restrict gradient = u.gradient;
  const float rate = u.learning_rate, momentum = u.hyperparameters.momentum;
  if (momentum == 0.0f) {
    for (std::size_t i = 0; i < n; ++i) weights[i] -= rate * gradient[i];
    return;
  }
  for (std::size_t i = 0; i < n; ++i) {
    velocity[i] = momentum * velocity[i] - rate * gradient[i];
    weights[i] += velocity[i];
  }
}

// Clamps to the range of normal numbers, so that weights stay finite if a unit never had a gradient or if its squared
// gradient overflowed. A gradient that is NaN still makes the weight NaN.
inline Vector clamp_to_normal(Vector x) {
  x = x > 0x1p-126f ? x : Vector{} + 0x1p-126f;
  return x < 0x1p127f ? x : Vector{} + 0x1p127f;
}

// Epsilon is inside the root.
void rmsprop(const Update& u, std::size_t n) {
  const float rate = u.learning_rate, rho = u.hyperparameters.rho, epsilon = u.hyperparameters.epsilon;
  for (std::size_t i = 0; i < n; i += kLanes) {
    const Vector g = load(u.gradient + i), square = rho * load(u.v + i) + (1.0f - rho) * g * g;
    store(u.v + i, square);
    store(u.weights + i, load(u.weights + i) - rate * g * inverse_root(clamp_to_normal(square + epsilon)));
  }
}

// The learning rate includes the bias corrections already; epsilon is outside the root.
void adam(const Update& u, std::size_t n) {
  const Hyperparameters& h = u.hyperparameters;
  const float rate = u.learning_rate, mean_weight = 1.0f - h.beta_1, square_weight = 1.0f - h.beta_2,
              epsilon = h.epsilon;
  for (std::size_t i = 0; i < n; i += kLanes) {
    const Vector g = load(u.gradient + i);
    Vector mean = load(u.m + i), square = load(u.v + i);
    mean += (g - mean) * mean_weight;
    square += (g * g - square) * square_weight;
    store(u.m + i, mean);
    store(u.v + i, square);
    square = clamp_to_normal(square);
    store(u.weights + i, load(u.weights + i) - rate * mean * inverse(square * inverse_root(square) + epsilon));
  }
}

void update(const Update& u, std::size_t n) {
  switch (u.kind) {
    case OptimizerKind::sgd:
      return sgd(u, n);
    case OptimizerKind::rmsprop:
      return rmsprop(u, n);
    case OptimizerKind::adam:
      return adam(u, n);
  }
}

}  // namespace
}  // namespace optotype
