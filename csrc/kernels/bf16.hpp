// Matrix products of bfloat16 numbers with sums in single precision, on the processor's tiles (AMX).
//
// A product is over blocks: 32 rows of A, 32 columns of B, 32 numbers of the sum at a time. A lies in rows, k side by
// side; B lies in pairs of k: [k / 2][column][2], as the tile instruction wants it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"

namespace optotype {

using Bf16 = std::uint16_t;

// A product that fills whole tiles of a block C of 32 rows of kPanel floats: C[i][j] (+)= sum over o, s, k < 32 of
// A[i][o, 32 s + k] * B[o, 32 s + k][j]. The second 16 rows of A begin `a_half` after the first, and B's pairs are
// kPanel columns wide and lie side by side.
struct TileBlock {
  const Bf16* a;
  std::ptrdiff_t a_row, a_half, a_outer;
  const Bf16* b;
  float* c;
  bool two_rows, two_columns;  // of tiles; else one
  int outer, steps;
  bool add;  // to what is in C
};

// The same for at most 32 rows of C that lie anywhere: C[i][j] = start[j] + sum over s, k, for i < rows and j < kPanel.
// All of A's rows up to a multiple of 16 are read, so they must exist.
struct TileProduct {
  const Bf16* a;
  std::ptrdiff_t a_row;
  const Bf16* b;
  float* c;
  std::ptrdiff_t c_row;
  int rows, steps;
  const float* start;
};

// Where 32 numbers of each of `rows` rows go when the rows are interleaved: lane l of register k comes from lane
// from[k][l] of the row whose mask has bit l.
struct Interleaving {
  static constexpr int kMost = 8;
  int rows;
  alignas(64) std::uint16_t from[kMost][32];
  std::uint32_t masks[kMost][kMost];

  explicit Interleaving(int n) : rows(n), from(), masks() {
    for (int place = 0; place < n * 32; ++place) {
      from[place / 32][place % 32] = static_cast<std::uint16_t>(place / n);
      masks[place / 32][place % n] |= std::uint32_t{1} << place % 32;
    }
  }
};

struct Bf16Kernels {
  void (*enter_thread)();  // before a thread's first product, and
  void (*leave_thread)();  // after its last
  void (*multiply_block)(const TileBlock&);
  void (*multiply)(const TileProduct&);
  // As the kernel of the same name in single precision.
  void (*spread)(const Spread&, Bf16* dz, float* bias);
  // Rows of 32 numbers, an even number of them, in pairs: [row / 2][32][2].
  void (*pair_rows)(const Bf16* x, std::ptrdiff_t x_row, Bf16* y, int rows);
  // y[p * rows + i] = x[i * x_row + p], for p < n and on to the next multiple of 32.
  void (*interleave)(const Interleaving&, const Bf16* x, std::ptrdiff_t x_row, Bf16* y, int n);
  // Rows of n floats as rows of bfloat16.
  void (*pack_rows)(const float* x, std::ptrdiff_t x_row, Bf16* y, std::ptrdiff_t y_row, int rows, int n);
  // Rows of n floats as pairs of rows, [row / 2][n][2]; an odd last row is paired with zeros.
  void (*pack_pairs)(const float* x, std::ptrdiff_t x_row, Bf16* y, std::ptrdiff_t y_pair, int rows, int n);
  // At most 32 rows of n floats as n rows of bfloat16: the transpose. An odd last row is followed by a zero.
  void (*pack_columns)(const float* x, std::ptrdiff_t x_row, Bf16* y, std::ptrdiff_t y_row, int rows, int n);
  // At most 32 rows of 32 floats, transposed, as pairs of their rows: [16][32][2]; rows that are not there are zero.
  void (*pack_transposed_pairs)(const float* x, std::ptrdiff_t x_row, Bf16* y, std::ptrdiff_t y_pair, int rows);
};

}  // namespace optotype
