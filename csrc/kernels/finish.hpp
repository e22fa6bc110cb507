// What follows a convolution, while its sums are still in the first cache: bias, max pooling, activation; and back.
//
// The largest value is found before bias and activation are applied: both keep order, so the result is the same and
// the work is that of one value of a window instead of all.
#pragma once

#include "elementwise.hpp"
#include "kernels/kernels.hpp"
#include "kernels/vector.hpp"

namespace optotype {
namespace {

typedef std::int32_t Integers __attribute__((vector_size(4 * OPTOTYPE_LANES)));
typedef std::uint8_t Bytes __attribute__((vector_size(OPTOTYPE_LANES)));
typedef std::uint8_t BytesInMemory __attribute__((vector_size(OPTOTYPE_LANES), aligned(1), may_alias));

// The largest of a window's values and, where asked for, which it was: the first, as in Keras, counted row by row.
template <bool remember>
inline void largest(const Finish& f, int height, int width, const float* corner, float* best, std::uint8_t* winners) {
  for (int v = 0; v * kLanes < f.channels; ++v) {
    const float* z = corner + v * kLanes;
    Vector value = load(z);
    Integers winner = {};
    int place = 0;
    for (int i = 0; i < height; ++i)
      for (int j = 0; j < width; ++j, ++place) {
        const Vector next = load(z + i * f.z_row + j * kPanel);
        const auto larger = next > value;
        value = larger ? next : value;
        if (remember) winner = larger ? Integers{} + place : winner;
      }
    store(best + v * kLanes, value + load(f.bias + v * kLanes));
    if (remember)
      *reinterpret_cast<BytesInMemory*>(winners + v * kLanes) = __builtin_convertvector(winner, Bytes);
  }
}

void finish(const Finish& f) {
  std::uint8_t* winners = f.winners;
  for (int row = 0; row < f.rows; ++row) {
    const float* corner = f.z + row * f.window_height * f.z_row;
    float* y = f.y + row * f.columns * f.y_pixel;
    for (int column = 0; column < f.columns; ++column, corner += f.window_width * kPanel, y += f.y_pixel) {
      alignas(64) float best[kPanel];
      if (!winners) {
        largest<false>(f, f.window_height, f.window_width, corner, best, nullptr);
      } else if (f.window_height == 2 && f.window_width == 2) {  // the usual window, unrolled
        largest<true>(f, 2, 2, corner, best, winners);
      } else {
        largest<true>(f, f.window_height, f.window_width, corner, best, winners);
      }
      if (winners) winners += kPanel;
      activate(f.activation, best, kPanel);
      copy_floats(y, best, f.channels);
    }
  }
}

// One window's part of z's gradient. Filters are padded to whole registers there, so all of a register is written.
inline void give(const Spread& s, int height, int width, const float* d, const std::uint8_t* winners, float* corner) {
  for (int v = 0; v * kLanes < s.channels; ++v) {
    const Vector value = load(d + v * kLanes), zero = {};
    const auto bytes = *reinterpret_cast<const BytesInMemory*>(winners + v * kLanes);
    const Integers winner = __builtin_convertvector(bytes, Integers);
    float* to = corner + v * kLanes;
    int place = 0;
    for (int i = 0; i < height; ++i)
      for (int j = 0; j < width; ++j, ++place)
        store(to + i * s.dz_row + j * s.dz_pixel, winner == Integers{} + place ? value : zero);
  }
}

void spread(const Spread& s, float* dz, float* bias) {
  const std::uint8_t* winners = s.winners;
  for (int row = 0; row < s.rows; ++row)
    for (int column = 0; column < s.columns; ++column) {
      const std::ptrdiff_t at = (static_cast<std::ptrdiff_t>(row) * s.columns + column) * s.y_pixel;
      alignas(64) float d[kPanel] = {}, y[kPanel] = {};
      copy_floats(d, s.dy + at, s.channels);
      copy_floats(y, s.y + at, s.channels);
      activation_gradient(s.activation, y, d, kPanel);
      add(d, bias, kPanel);
      float* corner = dz + row * s.window_height * s.dz_row + column * s.window_width * s.dz_pixel;
      if (!winners) {
        copy_floats(corner, d, s.channels);
        continue;
      }
      if (s.window_height == 2 && s.window_width == 2)  // the usual window, unrolled
        give(s, 2, 2, d, winners, corner);
      else
        give(s, s.window_height, s.window_width, d, winners, corner);
      winners += kPanel;
    }
}

}  // namespace
}  // namespace optotype
