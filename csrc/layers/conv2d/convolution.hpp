// The base of Conv2D in both precisions: a window that slides over the image, and the activation and max pooling that
// are fused with it. The output is y. The sums before activation and pooling are z, which is never stored as a whole.
#pragma once

#include <vector>

#include "layers/conv2d/window.hpp"
#include "layers/registry.hpp"
#include "layers/weighted_layer.hpp"

namespace optotype {

struct ConvolutionSettings {
  int filters, height, width;  // of the window
  bool same;                   // padding
};

class Convolution : public WeightedLayer {
 public:
  void reserve_training(const TrainingSize&) override;
  void reserve_prediction(int workers) override;
  void forward(const Chunk& chunk) override { forward_single(chunk); }

  bool try_fuse_activation(Activation) final;
  bool try_fuse(const LayerDescription& next) final;

 protected:
  Convolution(const ConvolutionSettings&, const LayerContext&);

  // The number of pixel rows of a strip, for which z or a gradient is computed at a time: a multiple of `unit`, and as
  // many as fit into the first-level cache.
  static int strip_rows(int pitch, int unit) { return std::max(1, kStripPixels / (unit * pitch)) * unit; }
  static constexpr int kStripPixels = 256;
  static constexpr int kSlack = 32;  // pixels after the end of an image that products read but do not use
  float* strip(int worker) const { return strips_.data() + worker * strip_size(); }

  // Computes rows `row` to `row + rows` of one panel of a sample's y from a strip of z, whose rows are `pitch` pixels
  // apart.
  void apply_epilogue(const Chunk&, int sample, int panel, int row, int rows, const float* z, int pitch) const;
  // Arguments for the gradient of z from one panel of the gradient of a sample's y. Rows of z are `pitch` pixels apart.
  ConvEpilogueGradient epilogue_gradient(const Chunk&, int sample, int panel, int pitch) const;

  void forward_single(const Chunk&);  // in single precision

  // The number of filters in the gradient of z, padded to whole registers.
  int padded_filters() const { return static_cast<int>(round_up(output().channels, 16)); }
  int computed_columns(int panel) const { return static_cast<int>(round_up(weights_.panel_columns(panel), 16)); }

  Window window_;  // in single precision
  int pool_height_ = 1, pool_width_ = 1;

  // The zero-padded image, in single precision.
  const float* padded_image(const Chunk&, int sample) const;

 private:
  std::size_t padded_image_size() const {
    return round_up((static_cast<std::size_t>(window_.image_rows()) * window_.pitch + kSlack) * input().channels,
                    kPanel);
  }
  bool try_fuse_max_pooling(int height, int width);
  std::uint8_t* argmax(const Chunk&, int sample, int panel) const;

  // Enough for the widest strip, whose pitch is at most one more than here.
  std::size_t strip_size() const {
    return static_cast<std::size_t>(std::max(kStripPixels, pool_height_ * (window_.pitch + 1)) + kPanel) * kPanel;
  }

  Activation activation_ = Activation::linear;
  Buffer strips_;                             // a strip of z for each worker
  Buffer padded_images_;                      // one for each worker; empty if there is no padding
  mutable std::vector<std::uint8_t> argmax_;  // of the batch: [sample][panel][pixel of y][kPanel]
};

// Conv2D with bfloat16 operands; only if kernels.bf16 exists.
std::unique_ptr<Layer> make_conv2d_bf16(const ConvolutionSettings&, const LayerContext&);

}  // namespace optotype
