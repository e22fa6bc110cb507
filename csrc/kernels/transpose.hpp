// The transpose of a block of weights.
#pragma once

#include <utility>

#include "kernels/kernels.hpp"
#include "kernels/vector.hpp"

namespace optotype {
namespace {

// The lower or the upper halves of two registers, interleaved: a0 b0 a1 b1 ...
template <int... i>
inline Vector zip_low(Vector a, Vector b, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(a, b, (i / 2 + i % 2 * kLanes)...);
}
template <int... i>
inline Vector zip_high(Vector a, Vector b, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(a, b, (kLanes / 2 + i / 2 + i % 2 * kLanes)...);
}

// Zipping row i with row i + kLanes / 2 moves the highest bit of the row index to the lowest bit of the column index,
// and the highest bit of the column index to the lowest bit of the row index. After all bits have moved, row and column
// are exchanged.
inline void transpose_square(Vector (&rows)[kLanes]) {
  constexpr auto lanes = std::make_integer_sequence<int, kLanes>();
  for (int bit = 1; bit < kLanes; bit *= 2) {
    Vector next[kLanes];
#pragma GCC unroll 8
    for (int i = 0; i < kLanes / 2; ++i) {
      next[2 * i] = zip_low(rows[i], rows[i + kLanes / 2], lanes);
      next[2 * i + 1] = zip_high(rows[i], rows[i + kLanes / 2], lanes);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) rows[i] = next[i];
  }
}

void transpose(const float* x, float* y, int count) {
  for (int row = 0; row < kPanel; row += kLanes)
    for (int column = 0; column < kPanel; column += kLanes) {
      Vector square[kLanes] = {};
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i)
        if (row + i < count) square[i] = load(x + (row + i) * kPanel + column);
      transpose_square(square);
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) store(y + (column + i) * kPanel + row, square[i]);
    }
}

}  // namespace
}  // namespace optotype
