// Sums over rows, and batch normalization of one row.
#pragma once

#include "kernels/kernels.hpp"

namespace optotype {
namespace {

// sum[j] += x[i][j]
void sum_rows(const Rows& x, float* __restrict sum, std::size_t n) {
  const float* row = x.data;
  for (int i = 0; i < x.count; ++i, row += x.stride)
    for (std::size_t j = 0; j < n; ++j) sum[j] += row[j];
}

// sum[j] += (x[i][j] - mean[j])^2
void sum_squares(const Rows& x, const float* __restrict mean, float* __restrict sum, std::size_t n) {
  const float* row = x.data;
  for (int i = 0; i < x.count; ++i, row += x.stride)
    for (std::size_t j = 0; j < n; ++j) sum[j] += (row[j] - mean[j]) * (row[j] - mean[j]);
}

// sum[j] += dy[i][j] * x_hat[i][j], where x_hat is the normalized x
void sum_products(const Rows& x, const Rows& dy, const Normalization& norm, float* __restrict sum, std::size_t n) {
  const float* __restrict mean = norm.mean;
  const float* __restrict inverse = norm.inverse;
  const float *row = x.data, *drow = dy.data;
  for (int i = 0; i < x.count; ++i, row += x.stride, drow += dy.stride)
    for (std::size_t j = 0; j < n; ++j) sum[j] += drow[j] * (row[j] - mean[j]) * inverse[j];
}

// y = gamma x_hat + beta
void normalize(const Normalization& norm, const float* __restrict x, float* __restrict y, std::size_t n) {
  const float* __restrict mean = norm.mean;
  const float* __restrict inverse = norm.inverse;
  const float* __restrict gamma = norm.gamma;
  const float* __restrict beta = norm.beta;
  for (std::size_t j = 0; j < n; ++j) y[j] = (x[j] - mean[j]) * inverse[j] * gamma[j] + beta[j];
}

// Ioffe and Szegedy, 2015, section 3:
// dx = gamma / sqrt(variance + epsilon) * (dy - mean(dy) - x_hat * mean(dy x_hat))
void normalize_gradient(const NormalizationGradient& norm, const float* __restrict x, const float* __restrict dy,
                        float* __restrict dx, std::size_t n) {
  const float* __restrict mean = norm.mean;
  const float* __restrict inverse = norm.inverse;
  const float* __restrict gamma = norm.gamma;
  const float* __restrict mean_dy = norm.mean_dy;
  const float* __restrict mean_dy_x = norm.mean_dy_x;
  for (std::size_t j = 0; j < n; ++j) {
    const float x_hat = (x[j] - mean[j]) * inverse[j];
    dx[j] = gamma[j] * inverse[j] * (dy[j] - mean_dy[j] - x_hat * mean_dy_x[j]);
  }
}

}  // namespace
}  // namespace optotype
