// Random changes of training images as they enter a network. A hash of (seed, epoch, index of the image in the data
// set) determines the change, so that threads, chunks and earlier epochs have no influence.
#pragma once

#include <cstdint>
#include <vector>

#include "layers/settings.hpp"
#include "network/images.hpp"
#include "tensor/buffer.hpp"
#include "tensor/shape.hpp"

namespace optotype {

// The limits of each change; src/optotype/engine/augmentation.py defines them.
struct Augmentation {
  int shift = 0, cutout = 0;  // pixels
  bool flip = false, reflect = false;
  float rotation = 0.0f;  // degrees
  float scale = 0.0f, brightness = 0.0f, contrast = 0.0f;
  float elastic = 0.0f, elastic_sigma = 4.0f;  // pixels
};

// Throws std::invalid_argument if a setting that determines memory or positions is out of range.
Augmentation parse_augmentation(const Settings&);

class RandomDraws;

class Augmenter {
 public:
  // Reserves all memory that `workers` need at the same time.
  Augmenter(Shape, const Augmentation&, const Kernels&, int workers);

  // Writes image number `image` of the data set, changed, times `scale`. `key` is that of the epoch.
  void apply(const Images&, float scale, std::int64_t image, std::uint64_t key, int worker, float* to);

 private:
  struct Scratch {
    Buffer tile, row;
    Buffer noise, half_smoothed;  // of the displacement field, with a margin of `margin_` pixels on all sides
    Buffer right, down;
  };

  void reserve(Scratch&) const;
  void compute_gaussian();
  Resampling affine_map(const RandomDraws&) const;
  void fill_displacement(std::uint64_t key, Scratch&, float* field) const;
  void adjust_colors(const RandomDraws&, float white, float* sums, float* y) const;
  void cut_out(const RandomDraws&, float* y) const;

  int field_pitch() const { return shape_.width + 2 * margin_; }

  Shape shape_;
  Augmentation settings_;
  const Kernels& kernels_;
  int pitch_, margin_ = 0;
  Buffer columns_, channels_, gaussian_;
  std::vector<Scratch> scratch_;
};

}  // namespace optotype
