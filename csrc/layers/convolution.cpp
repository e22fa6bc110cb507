// What both precisions of a convolution share, and its forward pass in single precision, which prediction uses too.
#include "layers/convolution.hpp"

#include <cstring>

namespace optotype {

Convolution::Convolution(Shape input, int filters, int height, int width, bool same, const Kernels& kernels)
    : WeightedLayer(input, {1, 1, filters}, height * width * input.channels, kernels),
      window_(make_window(input, height, width, same, 1)) {
  change_output({window_.out_height, window_.out_width, filters});
}

bool Convolution::absorb_activation(Activation activation) {
  if (activation_ != Activation::linear) return false;
  activation_ = activation;
  return true;
}

// All activations keep order, so it does not matter which of the two comes first.
bool Convolution::absorb_max_pooling(int height, int width) {
  if (pool_height_ * pool_width_ > 1 || height * width > 255) return false;  // places are counted in a byte
  pool_height_ = height;
  pool_width_ = width;
  change_output({window_.out_height / height, window_.out_width / width, output().channels});
  return true;
}

void Convolution::prepare(const Limits& limits) {
  weights_.prepare(limits.state);
  prepare_prediction(limits.workers);
  if (pool_height_ * pool_width_ > 1)
    winners_.assign(static_cast<std::size_t>(limits.batch) * weights_.panels() * output().pixels() * kPanel, 0);
}

void Convolution::prepare_prediction(int workers) {
  if (!strips_.data()) strips_ = Buffer(workers * strip_size());
  const bool borders = window_.pitch > window_.in_width || window_.image_rows() > window_.in_height;
  if (borders && !bordered_.data()) bordered_ = Buffer(workers * bordered_size());
}

std::uint8_t* Convolution::winners(const Chunk& chunk, int sample, int panel) const {
  if (!chunk.training || winners_.empty()) return nullptr;
  const std::size_t place = static_cast<std::size_t>(chunk.first + sample) * weights_.panels() + panel;
  return winners_.data() + place * output().pixels() * kPanel;
}

const float* Convolution::bordered(const Chunk& chunk, int sample) const {
  const float* x = chunk.x + sample * input().stride();
  if (!bordered_.data()) return x;
  float* image = bordered_.data() + chunk.worker * bordered_size();
  const int channels = input().channels, row = window_.in_width * channels;
  for (int y = 0; y < window_.in_height; ++y)
    std::memcpy(image + (window_.inside() + y * window_.pitch) * channels, x + y * row, row * sizeof(float));
  return image;
}

void Convolution::finish_strip(const Chunk& chunk, int sample, int panel, int row, int rows, const float* z,
                               int pitch) const {
  const std::ptrdiff_t pixel = static_cast<std::ptrdiff_t>(row) * output().width;
  std::uint8_t* winner = winners(chunk, sample, panel);
  kernels_.finish({.z = z, .z_row = static_cast<std::ptrdiff_t>(pitch) * kPanel,
                   .bias = weights_.bias(panel), .activation = activation_,
                   .window_height = pool_height_, .window_width = pool_width_,
                   .rows = rows, .columns = output().width,
                   .y = chunk.y + sample * output().stride() + pixel * output().channels + panel * kPanel,
                   .y_pixel = output().channels, .channels = weights_.panel_columns(panel),
                   .winners = winner ? winner + pixel * kPanel : nullptr});
}

Spread Convolution::spread_of(const Chunk& chunk, int sample, int panel, int pitch) const {
  const std::ptrdiff_t at = sample * output().stride() + panel * kPanel;
  return {.dy = chunk.dy + at, .y = chunk.y + at, .y_pixel = output().channels, .activation = activation_,
          .window_height = pool_height_, .window_width = pool_width_,
          .rows = output().height, .columns = output().width, .channels = weights_.panel_columns(panel),
          .winners = winners(chunk, sample, panel),
          .dz_row = static_cast<std::ptrdiff_t>(pitch) * padded_filters(), .dz_pixel = padded_filters()};
}

void Convolution::forward_single(const Chunk& chunk) {
  float* z = strip(chunk.worker);
  const Window& w = window_;
  const int channels = input().channels, row_size = w.pitch * channels;
  const int most = strip_rows(w.out_width, pool_height_) / pool_height_;  // rows of y
  for (int i = 0; i < chunk.samples; ++i) {
    const float* x = bordered(chunk, i);
    for (int p = 0; p < weights_.panels(); ++p)
      for (int row = 0; row < output().height; row += most) {
        const int rows = std::min(most, output().height - row);
        for (int y = 0; y < rows * pool_height_; ++y)
          kernels_.gemm({.a = x + (row * pool_height_ + y) * row_size,
                         .a_row = channels, .a_outer = row_size, .a_inner = 1,
                         .b = weights_.panel(p), .b_outer = w.width * channels * kPanel, .b_row = kPanel,
                         .c = z + y * w.out_width * kPanel, .c_row = kPanel,
                         .rows = w.out_width, .columns = computed_columns(p),
                         .outer = w.height, .inner = w.width * channels, .start = kZeros});
        finish_strip(chunk, i, p, row, rows, z, w.out_width);
      }
  }
}

}  // namespace optotype
