// Max pooling of one image, a pixel's channels at a time.
#pragma once

#include "kernels/kernels.hpp"

namespace optotype {
namespace {

void max_pool(const Pooling& p, const float* x, float* y) {
  for (int row = 0; row < p.out_height; ++row)
    for (int column = 0; column < p.out_width; ++column, y += p.channels) {
      const float* corner =
          x + (static_cast<std::ptrdiff_t>(row * p.window_height) * p.width + column * p.window_width) * p.channels;
      float* __restrict best = y;
      for (int c = 0; c < p.channels; ++c) best[c] = corner[c];
      for (int i = 0; i < p.window_height; ++i)
        for (int j = 0; j < p.window_width; ++j) {
          const float* __restrict value = corner + (static_cast<std::ptrdiff_t>(i) * p.width + j) * p.channels;
          for (int c = 0; c < p.channels; ++c) best[c] = value[c] > best[c] ? value[c] : best[c];
        }
    }
}

// The gradient of `n` channels of one window goes to the first largest value, as in Keras: `left` is what is still
// to be given, and becomes zero when it is.
void give_gradient(const Pooling& p, const float* corner, const float* best, const float* dy, float* dcorner, int n) {
  float left[kPanel];
  for (int c = 0; c < n; ++c) left[c] = dy[c];
  for (int i = 0; i < p.window_height; ++i)
    for (int j = 0; j < p.window_width; ++j) {
      const std::ptrdiff_t pixel = (static_cast<std::ptrdiff_t>(i) * p.width + j) * p.channels;
      const float* __restrict value = corner + pixel;
      float* __restrict dvalue = dcorner + pixel;
      for (int c = 0; c < n; ++c) {
        const bool largest = value[c] == best[c];
        dvalue[c] = largest ? left[c] : 0.0f;
        left[c] = largest ? 0.0f : left[c];
      }
    }
}

// Writes dx inside the windows only: what the windows leave over is zero and stays so.
void max_pool_gradient(const Pooling& p, const float* x, const float* y, const float* dy, float* dx) {
  for (int row = 0; row < p.out_height; ++row)
    for (int column = 0; column < p.out_width; ++column, y += p.channels, dy += p.channels) {
      const std::ptrdiff_t corner =
          (static_cast<std::ptrdiff_t>(row * p.window_height) * p.width + column * p.window_width) * p.channels;
      for (int c = 0; c < p.channels; c += kPanel) {
        const int n = p.channels - c < kPanel ? p.channels - c : kPanel;
        give_gradient(p, x + corner + c, y + c, dy + c, dx + corner + c, n);
      }
    }
}

}  // namespace
}  // namespace optotype
