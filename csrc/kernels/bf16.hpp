// Matrix products of bfloat16 values with single-precision sums, on AMX tiles.
//
// A product runs over blocks: 32 rows of A, 32 columns of B, 32 values of k at a time. A is row-major with contiguous
// k. B is stored in pairs of k, [k / 2][column][2], as the tile instruction requires.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"

namespace optotype {

using Bf16 = std::uint16_t;

// A product over whole tiles of a block C of 32 rows of kPanel floats: C[i][j] (+)= sum over o, s, k < 32 of
// A[i][o, 32 s + k] * B[o, 32 s + k][j]. The second 16 rows of A begin `a_half` after the first. The pairs of B are
// kPanel columns wide and contiguous.
struct TileBlock {
  const Bf16* a;
  std::ptrdiff_t a_row, a_half, a_outer;
  const Bf16* b;
  float* c;
  bool two_rows, two_columns;  // of tiles; otherwise one
  int outer, steps;
  bool add;  // to the values in C; otherwise they are overwritten
};

// The same for at most 32 rows of C with any stride: C[i][j] = start[j] + sum over s, k, for i < rows and j < kPanel.
// Rows of A up to a multiple of 16 are read, so they must exist.
struct TileProduct {
  const Bf16* a;
  std::ptrdiff_t a_row;
  const Bf16* b;
  float* c;
  std::ptrdiff_t c_row;
  int rows, steps;
  const float* start;
};

// How rows of 32 values are interleaved: lane l of register k comes from lane from[k][l] of the row whose mask has bit
// l.
struct Interleaving {
  static constexpr int kMaxRows = 8;
  int rows;
  alignas(64) std::uint16_t from[kMaxRows][32];
  std::uint32_t masks[kMaxRows][kMaxRows];

  explicit Interleaving(int n) : rows(n), from(), masks() {
    for (int i = 0; i < n * 32; ++i) {
      from[i / 32][i % 32] = static_cast<std::uint16_t>(i / n);
      masks[i / 32][i % n] |= std::uint32_t{1} << i % 32;
    }
  }
};

struct Bf16Kernels {
  void (*configure_tiles)();  // before the first product of a thread
  void (*release_tiles)();    // after the last product of a thread
  void (*multiply_block)(const TileBlock&);
  void (*multiply)(const TileProduct&);
  // As the kernel of the same name in single precision.
  void (*conv_epilogue_gradient)(const ConvEpilogueGradient&, Bf16* dz, float* bias);
  // Packs an even number of rows of 32 values as pairs of rows: [row / 2][32][2].
  void (*pair_rows)(const Bf16* x, std::ptrdiff_t x_row, Bf16* y, int rows);
  // y[p * rows + i] = x[i * x_row + p], for p < n, rounded up to a multiple of 32.
  void (*interleave)(const Interleaving&, const Bf16* x, std::ptrdiff_t x_row, Bf16* y, int n);
  // Rounds rows of n floats to rows of bfloat16.
  void (*pack_rows)(const float* x, std::ptrdiff_t x_row, Bf16* y, std::ptrdiff_t y_row, int rows, int n);
  // Packs rows of n floats as pairs of rows, [row / 2][n][2]; an odd last row is paired with zeros.
  void (*pack_pairs)(const float* x, std::ptrdiff_t x_row, Bf16* y, std::ptrdiff_t y_pair, int rows, int n);
  // Transposes at most 32 rows of n floats into n rows of bfloat16. An odd last row is followed by a zero.
  void (*pack_columns)(const float* x, std::ptrdiff_t x_row, Bf16* y, std::ptrdiff_t y_row, int rows, int n);
  // Transposes at most 32 rows of 32 floats and packs pairs of rows: [16][32][2]; missing rows count as zero.
  void (*pack_transposed_pairs)(const float* x, std::ptrdiff_t x_row, Bf16* y, std::ptrdiff_t y_pair, int rows);
};

}  // namespace optotype
