// Matrix product: tiles of C stay in registers while k runs; A is broadcast, B is read a register at a time.
//
// The sum of each element of C runs over k in one order and knows nothing of the tile it lies in, so results do not
// depend on how many rows are computed together.
#pragma once

#include <utility>

#include "kernels/kernels.hpp"

namespace optotype {
namespace {

// An unaligned vector; GCC makes the processor's own instructions of the operators.
typedef float Vector __attribute__((vector_size(4 * OPTOTYPE_LANES), aligned(4), may_alias));

constexpr int kLanes = OPTOTYPE_LANES;
constexpr int kTileRows = OPTOTYPE_TILE_ROWS;
constexpr int kTileVectors = 2;

inline const Vector& vector_at(const float* p) { return *reinterpret_cast<const Vector*>(p); }
inline Vector& vector_at(float* p) { return *reinterpret_cast<Vector*>(p); }

template <int rows, int vectors>
void multiply(const Gemm& g, const float* a, int column, Vector (&sums)[rows][vectors]) {
  const float* b = g.b + column;
  for (int o = 0; o < g.outer; ++o, a += g.a_outer) {
    const float* ak = a;
    for (int k = 0; k < g.inner; ++k, ak += g.a_inner, b += g.b_row) {
      Vector bk[vectors];
#pragma GCC unroll 2
      for (int v = 0; v < vectors; ++v) bk[v] = vector_at(b + v * kLanes);
#pragma GCC unroll 12
      for (int i = 0; i < rows; ++i) {
        const float aik = ak[i * g.a_row];
#pragma GCC unroll 2
        for (int v = 0; v < vectors; ++v) sums[i][v] += aik * bk[v];
      }
    }
  }
}

// A tile all of whose columns exist in C.
template <int rows, int vectors>
void whole_tile(const Gemm& g, int row, int column) {
  Vector sums[rows][vectors];
  float* c = g.c + row * g.c_row + column;
#pragma GCC unroll 12
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v)
      sums[i][v] = vector_at(g.start ? g.start + column + v * kLanes : c + i * g.c_row + v * kLanes);
  multiply<rows, vectors>(g, g.a + row * g.a_row, column, sums);
#pragma GCC unroll 12
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) vector_at(c + i * g.c_row + v * kLanes) = sums[i][v];
}

// A tile at the right edge: its columns pass through a buffer, so that nothing beyond C is touched.
template <int rows, int vectors>
void edge_tile(const Gemm& g, int row, int column) {
  const int columns = g.columns - column < vectors * kLanes ? g.columns - column : vectors * kLanes;
  Vector sums[rows][vectors] = {};
  float* c = g.c + row * g.c_row + column;
  for (int i = 0; i < rows; ++i) {
    const float* from = g.start ? g.start + column : c + i * g.c_row;
    for (int j = 0; j < columns; ++j) reinterpret_cast<float*>(&sums[i][0])[j] = from[j];
  }
  multiply<rows, vectors>(g, g.a + row * g.a_row, column, sums);
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j) c[i * g.c_row + j] = reinterpret_cast<float*>(&sums[i][0])[j];
}

using Tile = void (*)(const Gemm&, int row, int column);

struct Tiles {
  Tile whole[kTileRows], edge[kTileRows];
};

template <int vectors, int... i>
constexpr Tiles tiles_of(std::integer_sequence<int, i...>) {
  return {{whole_tile<i + 1, vectors>...}, {edge_tile<i + 1, vectors>...}};
}

constexpr Tiles kTiles[kTileVectors] = {tiles_of<1>(std::make_integer_sequence<int, kTileRows>()),
                                        tiles_of<2>(std::make_integer_sequence<int, kTileRows>())};

void gemm(const Gemm& g) {
  if (g.rows == 0) return;
  const int tiles = (g.rows + kTileRows - 1) / kTileRows;
  for (int column = 0; column < g.columns; column += kTileVectors * kLanes) {
    const int left = g.columns - column;
    const int vectors = left > kLanes ? 2 : 1;
    const bool whole = left >= vectors * kLanes;
    for (int t = 0; t < tiles; ++t) {
      // Rows are dealt out evenly: 25 as 9, 8, 8 rather than 12, 12, 1.
      const int row = g.rows * t / tiles, rows = g.rows * (t + 1) / tiles - row;
      (whole ? kTiles[vectors - 1].whole : kTiles[vectors - 1].edge)[rows - 1](g, row, column);
    }
  }
}

}  // namespace
}  // namespace optotype
