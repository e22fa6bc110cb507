// Conv2D (stride 1) in single precision, as matrix products directly on the image.
//
// Images are stored as height, width, channels. So for one output row and one row of the window, the inputs of
// neighbouring outputs are runs of (window width x channels) floats that start `channels` apart: overlapping rows of a
// matrix, without a copy. The gradient of x is the same product over the zero-padded gradient of z with the window
// flipped. The gradient of the weights has the runs as its rows and sums over the pixels.
#include <cstring>
#include <limits>

#include "layers/conv2d/convolution.hpp"

namespace optotype {

namespace {

class Conv2D final : public Convolution {
 public:
  Conv2D(const ConvolutionSettings& settings, const LayerContext& context) : Convolution(settings, context) {}

  void reserve_training(const TrainingSize& size) override {
    Convolution::reserve_training(size);
    gradients_ = Buffer(size.chunks * weights_.size());
    dz_ = Buffer(size.workers * dz_size());
    if (size.needs_input_gradient) reserve_packed(round_up(input().channels, kPanel) * flipped_rows());
  }

  void backward(const Chunk& chunk) override {
    float* gradient = gradients_.data() + chunk.index * weights_.size();
    std::memset(gradient, 0, weights_.size() * sizeof(float));
    float* dz = dz_.data() + chunk.worker * dz_size() + window_.span() * padded_filters();
    for (int i = 0; i < chunk.samples; ++i) {
      const float* x = padded_image(chunk, i);
      for (int p = 0; p < weights_.panels(); ++p)
        add_gradient(x, epilogue_gradient(chunk, i, p, window_.pitch), dz + p * kPanel,
                     gradient + p * weights_.panel_size(), p);
      if (chunk.dx) input_gradient(dz, chunk.dx + i * input().stride());
    }
  }

  void update(int task, const Batch& batch, const Update& update) override {
    const Weights::Block block = weights_.block(task);
    const std::size_t n = static_cast<std::size_t>(block.rows + block.has_bias) * kPanel;
    float gradient[(kPanel + 1) * kPanel] = {};
    const float* part = gradients_.data() + block.panel * weights_.panel_size() + block.row * kPanel;
    for (int chunk = 0; chunk < batch.chunks; ++chunk) kernels_.add(part + chunk * weights_.size(), gradient, n);
    apply_update(block, gradient, update);
  }

 private:
  // The gradient of z, with `span` pixels of zeros before it and after it.
  std::size_t dz_size() const {
    const std::size_t pixels = window_.outputs() + 2 * window_.span() + kSlack;
    return round_up(pixels * padded_filters(), kPanel);
  }
  std::size_t flipped_rows() const {
    return static_cast<std::size_t>(window_.height) * window_.width * padded_filters();
  }

  void add_gradient(const float* x, const ConvEpilogueGradient& epilogue, float* dz, float* gradient, int panel) {
    const Window& w = window_;
    const int channels = input().channels, run = w.width * channels;
    kernels_.conv_epilogue_gradient(epilogue, dz, gradient + static_cast<std::ptrdiff_t>(weights_.rows()) * kPanel);
    for (int i = 0; i < w.height; ++i)
      kernels_.gemm({.a = x + i * w.pitch * channels,
                     .a_row = 1,
                     .a_outer = w.pitch * channels,
                     .a_inner = channels,
                     .b = dz,
                     .b_outer = epilogue.dz_row,
                     .b_row = epilogue.dz_pixel,
                     .c = gradient + i * run * kPanel,
                     .c_row = kPanel,
                     .rows = run,
                     .columns = computed_columns(panel),
                     .outer = w.out_height,
                     .inner = w.out_width,
                     .start = nullptr});
  }

  void input_gradient(const float* dz, float* dx) {
    const Window& w = window_;
    const int channels = input().channels, filters = padded_filters();
    for (int column = 0; column < channels; column += kPanel)
      for (int y = 0; y < w.in_height; ++y)
        kernels_.gemm({.a = dz + (w.image_offset() + y * w.pitch - w.span()) * filters,
                       .a_row = filters,
                       .a_outer = w.pitch * filters,
                       .a_inner = 1,
                       .b = packed_.data() + column * flipped_rows(),
                       .b_outer = w.width * filters * kPanel,
                       .b_row = kPanel,
                       .c = dx + y * w.in_width * channels + column,
                       .c_row = channels,
                       .rows = w.in_width,
                       .columns = std::min(channels - column, kPanel),
                       .outer = w.height,
                       .inner = w.width * filters,
                       .start = kZeros});
  }

  // The packed copy is [panel of channels][flipped window row, window column, filter][32 channels].
  void repack(const Weights::Block& block) override {
    const int channels = input().channels, filters = padded_filters(), positions = window_.height * window_.width;
    const int columns = weights_.panel_columns(block.panel);
    for (int row = block.row; row < block.row + block.rows; ++row) {
      const float* from = weights_.panel(block.panel) + static_cast<std::ptrdiff_t>(row) * kPanel;
      const int channel = row % channels, flipped = positions - 1 - row / channels;
      float* to = packed_.data() + (channel / kPanel) * kPanel * flipped_rows() + channel % kPanel +
                  (static_cast<std::ptrdiff_t>(flipped) * filters + block.panel * kPanel) * kPanel;
      for (int column = 0; column < columns; ++column) to[column * kPanel] = from[column];
    }
  }

  Buffer gradients_;  // one for each chunk, in the layout of the weights
  Buffer dz_;         // one sample for each worker: [pixel][filter]
};

}  // namespace

std::unique_ptr<Layer> make_conv2d(const Settings& settings, const LayerContext& context) {
  const auto [height, width] = settings.sides("kernel_size");
  const ConvolutionSettings convolution = {.filters = settings.integer("filters", 1, std::numeric_limits<int>::max()),
                                           .height = height,
                                           .width = width,
                                           .same = settings.text("padding") == "same"};
  if (context.bf16) return make_conv2d_bf16(convolution, context);
  return std::make_unique<Conv2D>(convolution, context);
}

}  // namespace optotype
