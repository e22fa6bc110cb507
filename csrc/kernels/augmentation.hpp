// What augmentation does to the pixels of one image.
#pragma once

#include "elementwise.hpp"
#include "kernels/kernels.hpp"
#include "kernels/vector.hpp"

namespace optotype {
namespace {

inline Vector whole_below(Vector v) {
  const Vector near = as_floats(truncated(v));
  return near > v ? near - 1.0f : near;
}

// One direction of an image: which coordinates have pixels, borders included.
struct Extent {
  float low, high, last, period, inverse_period;
  bool reflect;
};

inline Extent extent(int size, bool reflect) {
  const float last = static_cast<float>(size - 1), period = 2.0f * last;
  return {.low = reflect ? 0.0f : -1.0f,
          .high = reflect ? last : last + 1.0f,
          .last = last,
          .period = period,
          .inverse_period = size > 1 ? 1.0f / period : 0.0f,
          .reflect = reflect};
}

// The place where a coordinate's pixel is found: a reflected one is folded back, one in the zeros is brought near.
inline Vector found(const Extent& e, Vector at) {
  if (e.reflect) {
    at -= e.period * whole_below(at * e.inverse_period);
    at -= e.last;
    at = e.last - (at < 0.0f ? -at : at);
  }
  at = at > e.low ? at : e.low + Vector{};
  return at < e.high ? at : e.high + Vector{};
}

inline Vector bilinear(const Resampling& r, Vector column, Vector row, Vector channel) {
  column += 1.0f, row += 1.0f;  // the tile's border
  const IntVector left = truncated(column), above = truncated(row);
  const Vector across = column - as_floats(left), down = row - as_floats(above);
  const IntVector at = above * r.pitch + left * r.channels + truncated(channel);
  const Vector top_left = gather(r.tile, at), top_right = gather(r.tile + r.channels, at);
  const Vector left_below = gather(r.tile + r.pitch, at), right_below = gather(r.tile + r.pitch + r.channels, at);
  const Vector top = top_left + across * (top_right - top_left);
  const Vector bottom = left_below + across * (right_below - left_below);
  return top + down * (bottom - top);
}

void resample(const Resampling& given, float* y) {
  const Resampling r = given;
  const Extent across = extent(r.width, r.reflect), down = extent(r.height, r.reflect);
  const int n = r.width * r.channels;
  for (int line = 0; line < r.height; ++line, y += n) {
    const float at = static_cast<float>(line);
    const float column_start = r.column[1] * at + r.column[2], row_start = r.row[1] * at + r.row[2];
    for (int i = 0; i < n; i += kLanes) {
      const Vector x = load(r.columns + i);
      Vector column = r.column[0] * x + column_start, row = r.row[0] * x + row_start;
      if (r.right) {
        const IntVector place = truncated(x) + line * r.field_pitch;
        column += gather(r.right, place);
        row += gather(r.down, place);
      }
      const Vector seen = bilinear(r, found(across, column), found(down, row), load(r.channel + i));
      store_part(y + i, seen, n - i < kLanes ? n - i : kLanes);
    }
  }
}

void noise(std::uint64_t key, float* __restrict y, std::size_t n) {
  const std::uint32_t low = static_cast<std::uint32_t>(key), high = static_cast<std::uint32_t>(key >> 32);
  for (std::size_t i = 0; i < n; ++i)
    y[i] = static_cast<float>(static_cast<std::int32_t>(hash(static_cast<std::uint32_t>(i) + low, high))) * 0x1p-31f;
}

void smooth(const Smoothing& s, const float* x, float* y, std::size_t n) {
  for (std::size_t i = 0; i < n; i += kLanes) {
    Vector sum = s.weights[0] * load(x + i);
    for (int k = 1; k < s.count; ++k) sum += s.weights[k] * load(x + i + k * s.step);
    store(y + i, sum);
  }
}

void adjust(float factor, const float* __restrict add, float white, float* __restrict y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    float v = factor * y[i] + add[i];
    v = v < 0.0f ? 0.0f : v;
    y[i] = v > white ? white : v;
  }
}

}  // namespace
}  // namespace optotype
