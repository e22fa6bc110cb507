// The images that a network is trained on or predicts.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"

namespace optotype {

// Contiguous images, height x width x channels, as bytes or as floats; the other pointer is null.
struct Images {
  const std::uint8_t* bytes;
  const float* floats;
  std::int64_t count;

  // Reads n values from index `first` on, times `scale`.
  void read(const Kernels& kernels, std::int64_t first, std::size_t n, float scale, float* to) const {
    if (bytes)
      kernels.scale_bytes(bytes + first, scale, to, n);
    else
      kernels.scale_floats(floats + first, scale, to, n);
  }

  // The value of a white pixel after scaling.
  float white(float scale) const { return bytes ? 255.0f * scale : scale; }
};

}  // namespace optotype
