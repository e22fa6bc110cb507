// What a convolution is in either precision: a window that slides over the image, and what follows it in the same
// pass, activation and max pooling. The output is y; the sums before that are z, which nobody keeps.
#pragma once

#include <vector>

#include "layers/weighted.hpp"
#include "layers/window.hpp"

namespace optotype {

class Convolution : public WeightedLayer {
 public:
  void prepare(const Limits&) override;
  void prepare_prediction(int workers) override;
  void forward(const Chunk& chunk) override { forward_single(chunk); }

  bool absorb_activation(Activation) final;
  bool absorb_max_pooling(int height, int width) final;

 protected:
  Convolution(Shape input, int filters, int height, int width, bool same, const Kernels&);

  // Rows of pixels of which z, or a gradient, is computed at a time: at least `least`, and as many as let it stay in the
  // first cache.
  static int strip_rows(int pitch, int least) { return std::max(1, kStripPixels / (least * pitch)) * least; }
  static constexpr int kStripPixels = 256;
  static constexpr int kSlack = 32;  // pixels that products read, though not use, beyond an image's end
  float* strip(int worker) const { return strips_.data() + worker * strip_size(); }

  // Turns z, rows of pixels `pitch` apart, into rows `row` to `row + rows` of one panel of a sample's y.
  void finish_strip(const Chunk&, int sample, int panel, int row, int rows, const float* z, int pitch) const;
  // How the gradient of a sample's y, one panel of it, is spread over z, rows of pixels `pitch` apart.
  Spread spread_of(const Chunk&, int sample, int panel, int pitch) const;

  void forward_single(const Chunk&);  // in single precision

  // The filters as they lie in z's gradient, padded to whole registers.
  int padded_filters() const { return static_cast<int>(round_up(output().channels, 16)); }
  int computed_columns(int panel) const { return static_cast<int>(round_up(weights_.panel_columns(panel), 16)); }

  Window window_;  // in single precision
  int pool_height_ = 1, pool_width_ = 1;

  // The image with its borders, in single precision.
  const float* bordered(const Chunk&, int sample) const;

 private:
  std::size_t bordered_size() const {
    return round_up((static_cast<std::size_t>(window_.image_rows()) * window_.pitch + kSlack) * input().channels, kPanel);
  }
  std::uint8_t* winners(const Chunk&, int sample, int panel) const;

  // Room for the widest strip, whose pitch is at most one more than here.
  std::size_t strip_size() const {
    return static_cast<std::size_t>(std::max(kStripPixels, pool_height_ * (window_.pitch + 1)) + kPanel) * kPanel;
  }

  Activation activation_ = Activation::linear;
  Buffer strips_;                       // z of some rows, for each worker
  Buffer bordered_;                     // for each worker, where there are borders
  mutable std::vector<std::uint8_t> winners_;  // of the batch: [sample][panel][pixel of y][kPanel]
};

}  // namespace optotype
