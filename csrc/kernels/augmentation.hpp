// The arithmetic of augmentation on the pixels of one image.
#pragma once

#include "elementwise.hpp"
#include "kernels/kernels.hpp"
#include "kernels/vector.hpp"

namespace optotype {
namespace {

inline Vector round_down(Vector v) {
  const Vector toward_zero = as_floats(truncated(v));
  return toward_zero > v ? toward_zero - 1.0f : toward_zero;
}

// The coordinates along one axis of an image that have pixels, including the border.
struct AxisRange {
  float low, high, last, period, inverse_period;
  bool reflect;
};

inline AxisRange axis_range(int size, bool reflect) {
  const float last = static_cast<float>(size - 1), period = 2.0f * last;
  return {.low = reflect ? 0.0f : -1.0f,
          .high = reflect ? last : last + 1.0f,
          .last = last,
          .period = period,
          .inverse_period = size > 1 ? 1.0f / period : 0.0f,
          .reflect = reflect};
}

// Maps a coordinate into the range: reflects it, or clamps it to the border of zeros.
inline Vector wrap(const AxisRange& e, Vector at) {
  if (e.reflect) {
    at -= e.period * round_down(at * e.inverse_period);
    at -= e.last;
    at = e.last - (at < 0.0f ? -at : at);
  }
  at = at > e.low ? at : e.low + Vector{};
  return at < e.high ? at : e.high + Vector{};
}

inline Vector bilinear(const Resampling& r, Vector column, Vector row, Vector channel) {
  column += 1.0f, row += 1.0f;  // the border of the tile
  const IntVector left = truncated(column), above = truncated(row);
  const Vector across = column - as_floats(left), down = row - as_floats(above);
  const IntVector at = above * r.pitch + left * r.channels + truncated(channel);
  const Vector top_left = gather(r.tile, at), top_right = gather(r.tile + r.channels, at);
  const Vector left_below = gather(r.tile + r.pitch, at), right_below = gather(r.tile + r.pitch + r.channels, at);
  const Vector top = top_left + across * (top_right - top_left);
  const Vector bottom = left_below + across * (right_below - left_below);
  return top + down * (bottom - top);
}

void resample(const Resampling& resampling, float* y) {
  const Resampling r = resampling;  // a local copy, so that its fields stay in registers
  const AxisRange across = axis_range(r.width, r.reflect), down = axis_range(r.height, r.reflect);
  const int n = r.width * r.channels;
  for (int line = 0; line < r.height; ++line, y += n) {
    const float at = static_cast<float>(line);
    const float column_start = r.column[1] * at + r.column[2], row_start = r.row[1] * at + r.row[2];
    for (int i = 0; i < n; i += kLanes) {
      const Vector x = load(r.columns + i);
      Vector column = r.column[0] * x + column_start, row = r.row[0] * x + row_start;
      if (r.right) {
        const IntVector index = truncated(x) + line * r.field_pitch;
        column += gather(r.right, index);
        row += gather(r.down, index);
      }
      const Vector value = bilinear(r, wrap(across, column), wrap(down, row), load(r.channel + i));
      store_part(y + i, value, n - i < kLanes ? n - i : kLanes);
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

void scale_and_clamp(float factor, const float* __restrict offset, float max, float* __restrict y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    float v = factor * y[i] + offset[i];
    v = v < 0.0f ? 0.0f : v;
    y[i] = v > max ? max : v;
  }
}

}  // namespace
}  // namespace optotype
