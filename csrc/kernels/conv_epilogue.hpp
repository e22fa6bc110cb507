// The epilogue of a convolution, applied while its sums are in the first-level cache: bias, max pooling and activation;
// and its gradient.
//
// The maximum of a window is found before bias and activation are applied. Both are monotonic, so the result is the
// same, and the work is that of one value of a window instead of all.
#pragma once

#include "elementwise.hpp"
#include "kernels/kernels.hpp"
#include "kernels/vector.hpp"

namespace optotype {
namespace {

typedef std::int32_t Integers __attribute__((vector_size(4 * OPTOTYPE_LANES)));
typedef std::uint8_t Bytes __attribute__((vector_size(OPTOTYPE_LANES)));
typedef std::uint8_t BytesInMemory __attribute__((vector_size(OPTOTYPE_LANES), aligned(1), may_alias));

// The maximum of a window and, if `store_argmax`, its position counted row by row; the first of equals, as in Keras.
template <bool store_argmax>
inline void window_maximum(const ConvEpilogue& e, int height, int width, const float* corner, float* maximum,
                           std::uint8_t* argmax) {
  for (int v = 0; v * kLanes < e.channels; ++v) {
    const float* z = corner + v * kLanes;
    Vector value = load(z);
    Integers index = {};
    int position = 0;
    for (int i = 0; i < height; ++i)
      for (int j = 0; j < width; ++j, ++position) {
        const Vector next = load(z + i * e.z_row + j * kPanel);
        const auto larger = next > value;
        value = larger ? next : value;
        if (store_argmax) index = larger ? Integers{} + position : index;
      }
    store(maximum + v * kLanes, value + load(e.bias + v * kLanes));
    if (store_argmax) *reinterpret_cast<BytesInMemory*>(argmax + v * kLanes) = __builtin_convertvector(index, Bytes);
  }
}

void conv_epilogue(const ConvEpilogue& e) {
  std::uint8_t* argmax = e.argmax;
  for (int row = 0; row < e.rows; ++row) {
    const float* corner = e.z + row * e.window_height * e.z_row;
    float* y = e.y + row * e.columns * e.y_pixel;
    for (int column = 0; column < e.columns; ++column, corner += e.window_width * kPanel, y += e.y_pixel) {
      alignas(64) float maximum[kPanel];
      if (!argmax) {
        window_maximum<false>(e, e.window_height, e.window_width, corner, maximum, nullptr);
      } else if (e.window_height == 2 && e.window_width == 2) {  // the most common window, unrolled
        window_maximum<true>(e, 2, 2, corner, maximum, argmax);
      } else {
        window_maximum<true>(e, e.window_height, e.window_width, corner, maximum, argmax);
      }
      if (argmax) argmax += kPanel;
      activate(e.activation, maximum, kPanel);
      copy_floats(y, maximum, e.channels);
    }
  }
}

// Writes one window of the gradient of z: d at the maximum, zero elsewhere. Filters are padded to whole registers in
// dz, so whole registers are written.
inline void scatter_to_maximum(const ConvEpilogueGradient& e, int height, int width, const float* d,
                               const std::uint8_t* argmax, float* corner) {
  for (int v = 0; v * kLanes < e.channels; ++v) {
    const Vector value = load(d + v * kLanes), zero = {};
    const auto bytes = *reinterpret_cast<const BytesInMemory*>(argmax + v * kLanes);
    const Integers index = __builtin_convertvector(bytes, Integers);
    float* to = corner + v * kLanes;
    int position = 0;
    for (int i = 0; i < height; ++i)
      for (int j = 0; j < width; ++j, ++position)
        store(to + i * e.dz_row + j * e.dz_pixel, index == Integers{} + position ? value : zero);
  }
}

void conv_epilogue_gradient(const ConvEpilogueGradient& e, float* dz, float* bias) {
  const std::uint8_t* argmax = e.argmax;
  for (int row = 0; row < e.rows; ++row)
    for (int column = 0; column < e.columns; ++column) {
      const std::ptrdiff_t at = (static_cast<std::ptrdiff_t>(row) * e.columns + column) * e.y_pixel;
      alignas(64) float d[kPanel] = {}, y[kPanel] = {};
      copy_floats(d, e.dy + at, e.channels);
      copy_floats(y, e.y + at, e.channels);
      activation_gradient(e.activation, y, d, kPanel);
      add(d, bias, kPanel);
      float* corner = dz + row * e.window_height * e.dz_row + column * e.window_width * e.dz_pixel;
      if (!argmax) {
        copy_floats(corner, d, e.channels);
        continue;
      }
      if (e.window_height == 2 && e.window_width == 2)  // the most common window, unrolled
        scatter_to_maximum(e, 2, 2, d, argmax, corner);
      else
        scatter_to_maximum(e, e.window_height, e.window_width, d, argmax, corner);
      argmax += kPanel;
    }
}

}  // namespace
}  // namespace optotype
