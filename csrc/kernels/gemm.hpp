// Matrix product: tiles of C stay in registers while k runs; A is broadcast, B is read one register at a time.
//
// The sum of each element of C runs over k in one order, whichever tile it is in. So results do not depend on how many
// rows are computed together.
#pragma once

#include <utility>

#include "kernels/kernels.hpp"
#include "kernels/vector.hpp"

namespace optotype {
namespace {

constexpr int kTileRows = OPTOTYPE_TILE_ROWS;
constexpr int kTileVectors = 2;

// A tile that is inside C.
template <int rows, int vectors>
void full_tile(const Gemm& g, int row, int column) {
  const float* start = g.start ? g.start + column : g.c + row * g.c_row + column;
  const std::ptrdiff_t start_row = g.start ? 0 : g.c_row;
  Vector sums[rows][vectors];
#pragma GCC unroll 12
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) sums[i][v] = load(start + i * start_row + v * kLanes);

  const std::ptrdiff_t a_row = g.a_row, a_inner = g.a_inner, b_row = g.b_row;
  const float *a = g.a + row * a_row, *b = g.b + column;
  for (int o = 0; o < g.outer; ++o, a += g.a_outer, b += g.b_outer) {
    const float *ak = a, *bo = b;
    for (int k = g.inner; k > 0; --k, ak += a_inner, bo += b_row) {
      Vector bk[vectors];
#pragma GCC unroll 2
      for (int v = 0; v < vectors; ++v) bk[v] = load(bo + v * kLanes);
#pragma GCC unroll 12
      for (int i = 0; i < rows; ++i)
#pragma GCC unroll 2
        for (int v = 0; v < vectors; ++v) sums[i][v] += ak[i * a_row] * bk[v];
    }
  }

  float* c = g.c + row * g.c_row + column;
#pragma GCC unroll 12
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) store(c + i * g.c_row + v * kLanes, sums[i][v]);
}

// A tile at the right edge. It is computed in a buffer, so that nothing outside C is written.
template <int rows, int vectors>
void edge_tile(const Gemm& g, int row, int column) {
  constexpr int width = vectors * kLanes;
  const int columns = g.columns - column < width ? g.columns - column : width;
  float buffer[rows * width] = {};
  float* c = g.c + row * g.c_row + column;
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j) buffer[i * width + j] = g.start ? g.start[column + j] : c[i * g.c_row + j];
  Gemm tile = g;
  tile.a += row * g.a_row;
  tile.b += column;
  tile.c = buffer;
  tile.c_row = width;
  tile.start = nullptr;
  full_tile<rows, vectors>(tile, 0, 0);
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j) c[i * g.c_row + j] = buffer[i * width + j];
}

using Tile = void (*)(const Gemm&, int row, int column);

struct Tiles {
  Tile full[kTileRows], edge[kTileRows];
};

template <int vectors, int... i>
constexpr Tiles make_tiles(std::integer_sequence<int, i...>) {
  return {{full_tile<i + 1, vectors>...}, {edge_tile<i + 1, vectors>...}};
}

constexpr Tiles kTiles[kTileVectors] = {make_tiles<1>(std::make_integer_sequence<int, kTileRows>()),
                                        make_tiles<2>(std::make_integer_sequence<int, kTileRows>())};

void gemm(const Gemm& g) {
  if (g.rows == 0) return;
  const int tiles = (g.rows + kTileRows - 1) / kTileRows;
  for (int column = 0; column < g.columns; column += kTileVectors * kLanes) {
    const int remaining = g.columns - column;
    const int vectors = remaining > kLanes ? 2 : 1;
    const bool full = remaining >= vectors * kLanes;
    for (int t = 0; t < tiles; ++t) {
      // Rows are divided evenly: 25 as 9, 8, 8 rather than 12, 12, 1.
      const int row = g.rows * t / tiles, rows = g.rows * (t + 1) / tiles - row;
      (full ? kTiles[vectors - 1].full : kTiles[vectors - 1].edge)[rows - 1](g, row, column);
    }
  }
}

}  // namespace
}  // namespace optotype
