// One step of each optimizer, in Keras 3's form of it.
#pragma once

#include "kernels/kernels.hpp"

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

// second_decay is rho; epsilon lies inside the root.
void rmsprop(const Update& u, std::size_t n) {
  float* __restrict weights = u.weights;
  float* __restrict square = u.second;
  const float* __restrict gradient = u.gradient;
  const float rate = u.rate, rho = u.second_decay, epsilon = u.epsilon;
  for (std::size_t i = 0; i < n; ++i) {
    const float g = gradient[i];
    square[i] = rho * square[i] + (1.0f - rho) * g * g;
    weights[i] -= rate * g / __builtin_sqrtf(square[i] + epsilon);
  }
}

// rate holds the bias corrections already; epsilon lies outside the root.
void adam(const Update& u, std::size_t n) {
  float* __restrict weights = u.weights;
  float* __restrict mean = u.first;
  float* __restrict square = u.second;
  const float* __restrict gradient = u.gradient;
  const float rate = u.rate, keep_mean = 1.0f - u.first_decay, keep_square = 1.0f - u.second_decay,
              epsilon = u.epsilon;
  for (std::size_t i = 0; i < n; ++i) {
    const float g = gradient[i];
    mean[i] += (g - mean[i]) * keep_mean;
    square[i] += (g * g - square[i]) * keep_square;
    weights[i] -= mean[i] * rate / (__builtin_sqrtf(square[i]) + epsilon);
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
