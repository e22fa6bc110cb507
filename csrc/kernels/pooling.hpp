// Max pooling of one image, one register of channels at a time.
#pragma once

#include "kernels/kernels.hpp"
#include "kernels/vector.hpp"

namespace optotype {
namespace {

// Calls part(channel, lanes) for whole registers of channels, then for the remaining channels.
template <class Part>
inline void for_channels(int channels, const Part& part) {
  int c = 0;
  for (; c + kLanes <= channels; c += kLanes) part(c, kLanes);
  if (c < channels) part(c, channels - c);
}

inline std::ptrdiff_t pixel(const Pooling& p, int row, int column) {
  return (static_cast<std::ptrdiff_t>(row) * p.width + column) * p.channels;
}

void max_pool(const Pooling& p, const float* x, float* y) {
  for (int row = 0; row < p.out_height; ++row)
    for (int column = 0; column < p.out_width; ++column, y += p.channels) {
      const float* corner = x + pixel(p, row * p.window_height, column * p.window_width);
      for_channels(p.channels, [&](int c, int lanes) {
        Vector maximum = load_part(corner + c, lanes);
        for (int i = 0; i < p.window_height; ++i)
          for (int j = 0; j < p.window_width; ++j) {
            const Vector value = load_part(corner + pixel(p, i, j) + c, lanes);
            maximum = value > maximum ? value : maximum;
          }
        store_part(y + c, maximum, lanes);
      });
    }
}

// The gradient goes to the first maximum of a window, as in Keras: `remaining` is the gradient, and zero once it is
// assigned. Writes dx inside the windows only: pixels outside all windows are zero and stay zero.
void max_pool_gradient(const Pooling& p, const float* x, const float* y, const float* dy, float* dx) {
  const Vector zero = {};
  for (int row = 0; row < p.out_height; ++row)
    for (int column = 0; column < p.out_width; ++column, y += p.channels, dy += p.channels) {
      const std::ptrdiff_t corner = pixel(p, row * p.window_height, column * p.window_width);
      for_channels(p.channels, [&](int c, int lanes) {
        const Vector maximum = load_part(y + c, lanes);
        Vector remaining = load_part(dy + c, lanes);
        for (int i = 0; i < p.window_height; ++i)
          for (int j = 0; j < p.window_width; ++j) {
            const std::ptrdiff_t at = corner + pixel(p, i, j) + c;
            const Vector value = load_part(x + at, lanes);
            store_part(dx + at, value == maximum ? remaining : zero, lanes);
            remaining = value == maximum ? zero : remaining;
          }
      });
    }
}

}  // namespace
}  // namespace optotype
