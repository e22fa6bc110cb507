// The shape of one sample, and the stride between samples.
#pragma once

#include <cstddef>

#include "kernels/kernels.hpp"

namespace optotype {

constexpr std::size_t round_up(std::size_t n, std::size_t unit) { return (n + unit - 1) / unit * unit; }

// A flat sample has height and width 1.
struct Shape {
  int height, width, channels;

  bool operator==(const Shape&) const = default;

  int pixels() const { return height * width; }
  int size() const { return height * width * channels; }
  // Samples start a multiple of kPanel apart. The padding is zero wherever a kernel uses it.
  std::ptrdiff_t stride() const { return static_cast<std::ptrdiff_t>(round_up(size(), kPanel)); }
};

}  // namespace optotype
