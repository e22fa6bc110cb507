// Elementwise kernels: plain loops that the compiler vectorizes.
#pragma once

#include "kernels/kernels.hpp"

namespace optotype {
namespace {

// e^x to about 2 units in the last place, by the reduction and polynomial of Cephes (S. Moshier, expf.c):
// x = n ln 2 + r, e^r by a polynomial, 2^n put into the exponent's bits.
inline float exponential(float x) {
  x = x < -87.0f ? -87.0f : x;
  x = x > 88.0f ? 88.0f : x;
  // Adding and subtracting 1.5 * 2^23 rounds to an integer; the low bits of the sum contain that integer.
  const float magic = x * 1.44269504f + 12582912.0f;
  const float n = magic - 12582912.0f;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const float mantissa = p * r * r + r + 1.0f;
  return mantissa * __builtin_bit_cast(float, (__builtin_bit_cast(std::int32_t, magic) << 23) + 0x3f800000);
}

// tanh x by Cephes (tanhf.c): a polynomial near zero, where 1 - 2 / (e^2x + 1) would lose precision.
inline float hyperbolic_tangent(float x) {
  const float z = x * x;
  float p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  const float near = p * z * x + x;
  const float far = 1.0f - 2.0f / (exponential(2.0f * x) + 1.0f);
  return z < 0.390625f ? near : far;
}

void scale_bytes(const std::uint8_t* __restrict x, float scale, float* __restrict y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] = static_cast<float>(x[i]) * scale;
}

void scale_floats(const float* __restrict x, float scale, float* __restrict y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] = x[i] * scale;
}

void add(const float* __restrict x, float* __restrict sum, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) sum[i] += x[i];
}

void activate(Activation activation, float* __restrict y, std::size_t n) {
  switch (activation) {
    case Activation::linear:
      break;
    case Activation::relu:  // this form propagates NaN, so that it shows in the loss
      for (std::size_t i = 0; i < n; ++i) y[i] = y[i] < 0.0f ? 0.0f : y[i];
      break;
    case Activation::tanh:
      for (std::size_t i = 0; i < n; ++i) y[i] = hyperbolic_tangent(y[i]);
      break;
    case Activation::sigmoid:
      for (std::size_t i = 0; i < n; ++i) y[i] = 1.0f / (1.0f + exponential(-y[i]));
      break;
  }
}

void activation_gradient(Activation activation, const float* __restrict y, float* __restrict dy, std::size_t n) {
  switch (activation) {
    case Activation::linear:
      break;
    case Activation::relu:
      for (std::size_t i = 0; i < n; ++i) dy[i] = y[i] > 0.0f ? dy[i] : 0.0f;
      break;
    case Activation::tanh:
      for (std::size_t i = 0; i < n; ++i) dy[i] *= 1.0f - y[i] * y[i];
      break;
    case Activation::sigmoid:
      for (std::size_t i = 0; i < n; ++i) dy[i] *= y[i] * (1.0f - y[i]);
      break;
  }
}

// A 32-bit hash with low bias (C. Wellons, "Prospecting for hash functions", 2018, lowbias32), with a second key
// between its rounds.
inline std::uint32_t hash(std::uint32_t x, std::uint32_t key) {
  x = (x ^ (x >> 16)) * 0x7feb352du;
  x = ((x ^ key) ^ (x >> 15)) * 0x846ca68bu;
  return x ^ (x >> 16);
}

// Each hash decides for two elements, 16 apart in a panel, with 16 bits for each of them.
void dropout(const Dropout& d, std::uint32_t counter, const float* __restrict x, float* __restrict y, std::size_t n) {
  const std::uint32_t low = static_cast<std::uint32_t>(d.key), high = static_cast<std::uint32_t>(d.key >> 32);
  const std::uint32_t threshold = d.threshold;
  const float scale = d.scale;
  constexpr std::uint32_t kHalf = kPanel / 2;
  for (std::size_t panel = 0; panel < n; panel += kPanel, x += kPanel, y += kPanel, counter += kPanel)
    for (std::uint32_t i = 0; i < kHalf; ++i) {
      const std::uint32_t bits = hash(counter + i + low, high);
      y[i] = (bits & 0xffff) >= threshold ? x[i] * scale : 0.0f;
      y[i + kHalf] = (bits >> 16) >= threshold ? x[i + kHalf] * scale : 0.0f;
    }
}

}  // namespace
}  // namespace optotype
