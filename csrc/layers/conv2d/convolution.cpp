#include "layers/conv2d/convolution.hpp"

#include <cstring>

namespace optotype {

Convolution::Convolution(const ConvolutionSettings& s, const LayerContext& context)
    : WeightedLayer(context.input, {1, 1, s.filters}, s.height * s.width * context.input.channels, context.kernels),
      window_(make_window(context.input, s.height, s.width, s.same, 1)) {
  set_output({window_.out_height, window_.out_width, s.filters});
}

bool Convolution::try_fuse_activation(Activation activation) {
  if (activation_ != Activation::linear) return false;
  activation_ = activation;
  return true;
}

bool Convolution::try_fuse(const LayerDescription& next) {
  if (next.type != "MaxPooling2D") return false;
  const auto [height, width] = next.settings.sides("pool_size");
  return try_fuse_max_pooling(height, width);
}

// All activations are monotonic, so the order of activation and max pooling does not matter.
bool Convolution::try_fuse_max_pooling(int height, int width) {
  if (pool_height_ * pool_width_ > 1 || height * width > 255) return false;  // a byte stores the position in a window
  pool_height_ = height;
  pool_width_ = width;
  set_output({window_.out_height / height, window_.out_width / width, output().channels});
  return true;
}

void Convolution::reserve_training(const TrainingSize& size) {
  weights_.allocate_state(size.optimizer_state);
  reserve_prediction(size.workers);
  if (pool_height_ * pool_width_ > 1)
    argmax_.assign(static_cast<std::size_t>(size.batch_size) * weights_.panels() * output().pixels() * kPanel, 0);
}

void Convolution::reserve_prediction(int workers) {
  if (!strips_.data()) strips_ = Buffer(workers * strip_size());
  const bool has_padding = window_.pitch > window_.in_width || window_.image_rows() > window_.in_height;
  if (has_padding && !padded_images_.data()) padded_images_ = Buffer(workers * padded_image_size());
}

std::uint8_t* Convolution::argmax(const Chunk& chunk, int sample, int panel) const {
  if (!chunk.training || argmax_.empty()) return nullptr;
  const std::size_t index = static_cast<std::size_t>(chunk.first + sample) * weights_.panels() + panel;
  return argmax_.data() + index * output().pixels() * kPanel;
}

const float* Convolution::padded_image(const Chunk& chunk, int sample) const {
  const float* x = chunk.x + sample * input().stride();
  if (!padded_images_.data()) return x;
  float* image = padded_images_.data() + chunk.worker * padded_image_size();
  const int channels = input().channels, row = window_.in_width * channels;
  for (int y = 0; y < window_.in_height; ++y)
    std::memcpy(image + (window_.image_offset() + y * window_.pitch) * channels, x + y * row, row * sizeof(float));
  return image;
}

void Convolution::apply_epilogue(const Chunk& chunk, int sample, int panel, int row, int rows, const float* z,
                                 int pitch) const {
  const std::ptrdiff_t pixel = static_cast<std::ptrdiff_t>(row) * output().width;
  std::uint8_t* positions = argmax(chunk, sample, panel);
  kernels_.conv_epilogue({.z = z,
                          .z_row = static_cast<std::ptrdiff_t>(pitch) * kPanel,
                          .bias = weights_.bias(panel),
                          .activation = activation_,
                          .window_height = pool_height_,
                          .window_width = pool_width_,
                          .rows = rows,
                          .columns = output().width,
                          .y = chunk.y + sample * output().stride() + pixel * output().channels + panel * kPanel,
                          .y_pixel = output().channels,
                          .channels = weights_.panel_columns(panel),
                          .argmax = positions ? positions + pixel * kPanel : nullptr});
}

ConvEpilogueGradient Convolution::epilogue_gradient(const Chunk& chunk, int sample, int panel, int pitch) const {
  const std::ptrdiff_t at = sample * output().stride() + panel * kPanel;
  return {.dy = chunk.dy + at,
          .y = chunk.y + at,
          .y_pixel = output().channels,
          .activation = activation_,
          .window_height = pool_height_,
          .window_width = pool_width_,
          .rows = output().height,
          .columns = output().width,
          .channels = weights_.panel_columns(panel),
          .argmax = argmax(chunk, sample, panel),
          .dz_row = static_cast<std::ptrdiff_t>(pitch) * padded_filters(),
          .dz_pixel = padded_filters()};
}

void Convolution::forward_single(const Chunk& chunk) {
  float* z = strip(chunk.worker);
  const Window& w = window_;
  const int channels = input().channels, row_size = w.pitch * channels;
  const int max_rows = strip_rows(w.out_width, pool_height_) / pool_height_;  // rows of y
  for (int i = 0; i < chunk.samples; ++i) {
    const float* x = padded_image(chunk, i);
    for (int p = 0; p < weights_.panels(); ++p)
      for (int row = 0; row < output().height; row += max_rows) {
        const int rows = std::min(max_rows, output().height - row);
        for (int y = 0; y < rows * pool_height_; ++y)
          kernels_.gemm({.a = x + (row * pool_height_ + y) * row_size,
                         .a_row = channels,
                         .a_outer = row_size,
                         .a_inner = 1,
                         .b = weights_.panel(p),
                         .b_outer = w.width * channels * kPanel,
                         .b_row = kPanel,
                         .c = z + y * w.out_width * kPanel,
                         .c_row = kPanel,
                         .rows = w.out_width,
                         .columns = computed_columns(p),
                         .outer = w.height,
                         .inner = w.width * channels,
                         .start = kZeros});
        apply_epilogue(chunk, i, p, row, rows, z, w.out_width);
      }
  }
}

}  // namespace optotype
