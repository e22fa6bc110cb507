// Training images changed at random as they enter a network. Which change an image meets is a hash of (seed, epoch, its
// place in the data set), so that neither threads nor chunks nor the epochs before have a part in it.
#pragma once

#include <cstdint>
#include <vector>

#include "network/buffer.hpp"
#include "network/images.hpp"
#include "network/shape.hpp"

namespace optotype {

// How far each change may go; what each means is in engine/augmentation.py.
struct Augmentation {
  int shift = 0, cutout = 0;  // pixels
  bool flip = false, reflect = false;
  float rotation = 0.0f;  // degrees
  float scale = 0.0f, brightness = 0.0f, contrast = 0.0f;
  float elastic = 0.0f, elastic_sigma = 4.0f;  // pixels
};

class Draws;

class Augmenter {
 public:
  // Reserves all memory that `workers` need at once.
  Augmenter(Shape, const Augmentation&, const Kernels&, int workers);

  // Writes image number `image` of the data set, changed, times `scale`. `key` is the epoch's.
  void apply(const Images&, float scale, std::int64_t image, std::uint64_t key, int worker, float* to);

 private:
  struct Scratch {
    Buffer tile, row;
    Buffer noise, half;  // of the elastic field, with a margin of `reach_` pixels all round
    Buffer right, down;
  };

  void reserve(Scratch&) const;
  void weigh();
  Resampling placed(const Draws&) const;
  void displace(std::uint64_t key, Scratch&, float* field) const;
  void adjust(const Draws&, float white, float* sums, float* y) const;
  void cut(const Draws&, float* y) const;

  int field_pitch() const { return shape_.width + 2 * reach_; }

  Shape shape_;
  Augmentation settings_;
  const Kernels& kernels_;
  int pitch_, reach_ = 0;
  Buffer columns_, channels_, weights_;
  std::vector<Scratch> scratch_;
};

}  // namespace optotype
