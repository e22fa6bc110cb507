// One step of each optimizer, in Keras 3's form of it.
#pragma once

#include "kernels/kernels.hpp"
#include "kernels/vector.hpp"

namespace optotype {
namespace {

// first_decay is the momentum.
void sgd(const Update& u, std::size_t n) {
  float* __restrict weights = u.weights;
  float* __restrict velocity = u.first;
  const float* __restrict gradient = u.gradient;
  const float rate = u.rate, momentum = u.first_decay;
  if (momentum == 0.0f) {
    for (std::size_t i = 0; i < n; ++i) weights[i] -= rate * gradient[i];
    return;
  }
  for (std::size_t i = 0; i < n; ++i) {
    velocity[i] = momentum * velocity[i] - rate * gradient[i];
    weights[i] += velocity[i];
  }
}

// Between the smallest and the largest normal number, so that neither a unit that never had a gradient nor one whose
// squared gradient overflowed makes weights that are no numbers. A gradient that is none still does.
inline Vector normal(Vector x) {
  x = x > 0x1p-126f ? x : Vector{} + 0x1p-126f;
  return x < 0x1p127f ? x : Vector{} + 0x1p127f;
}

// second_decay is rho; epsilon lies inside the root.
void rmsprop(const Update& u, std::size_t n) {
  const float rate = u.rate, rho = u.second_decay, epsilon = u.epsilon;
  for (std::size_t i = 0; i < n; i += kLanes) {
    const Vector g = load(u.gradient + i), square = rho * load(u.second + i) + (1.0f - rho) * g * g;
    store(u.second + i, square);
    store(u.weights + i, load(u.weights + i) - rate * g * inverse_root(normal(square + epsilon)));
  }
}

// rate holds the bias corrections already; epsilon lies outside the root.
void adam(const Update& u, std::size_t n) {
  const float rate = u.rate, keep_mean = 1.0f - u.first_decay, keep_square = 1.0f - u.second_decay,
              epsilon = u.epsilon;
  for (std::size_t i = 0; i < n; i += kLanes) {
    const Vector g = load(u.gradient + i);
    Vector mean = load(u.first + i), square = load(u.second + i);
    mean += (g - mean) * keep_mean;
    square += (g * g - square) * keep_square;
    store(u.first + i, mean);
    store(u.second + i, square);
    square = normal(square);
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
