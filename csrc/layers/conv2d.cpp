// Conv2D ("valid", stride 1), as matrix products straight from the image.
//
// An image lies height, width, channels. So for one output row and one row of the window, the inputs of neighbouring
// outputs are runs of (window width x channels) floats that start `channels` apart: overlapping rows of a matrix that
// nobody has to copy. The gradient of x is the same product over dy with a border of zeros and the window turned
// round; the gradient of the weights has the runs as its rows and sums over the pixels.
#include <cstring>

#include "layers/weighted.hpp"

namespace optotype {

namespace {

class Conv2D final : public WeightedLayer {
 public:
  Conv2D(Shape input, int filters, int height, int width, const Kernels& kernels)
      : WeightedLayer(input, {input.height - height + 1, input.width - width + 1, filters},
                      height * width * input.channels, kernels),
        height_(height),
        width_(width) {}

  void prepare(const Limits& limits) override {
    weights_.prepare();
    gradients_ = Buffer(limits.chunks * weights_.size());
    if (!limits.input_gradient) return;
    bordered_ = Buffer(limits.workers * bordered_size());
    reserve_copy(round_up(input().channels, kPanel) * turned_rows());
  }

  void forward(const Chunk& chunk) override {
    conv2d_forward(weights_, input(), output(), height_, width_, kernels_, chunk);
  }

  void backward(const Chunk& chunk) override {
    float* gradient = gradients_.data() + chunk.index * weights_.size();
    std::memset(gradient, 0, weights_.size() * sizeof(float));
    for (int i = 0; i < chunk.samples; ++i) {
      const float* dy = chunk.dy + i * output().stride();
      add_gradient(chunk.x + i * input().stride(), dy, gradient);
      if (chunk.dx) input_gradient(dy, chunk.dx + i * input().stride(), chunk.worker);
    }
  }

  void update(int task, const Batch& batch, const Update& step) override {
    const Weights::Block block = weights_.block(task);
    const std::size_t n = static_cast<std::size_t>(block.rows + block.bias) * kPanel;
    float gradient[(kPanel + 1) * kPanel] = {};
    const float* part = gradients_.data() + block.panel * weights_.panel_size() + block.row * kPanel;
    for (int chunk = 0; chunk < batch.chunks; ++chunk) kernels_.add(part + chunk * weights_.size(), gradient, n);
    change(block, gradient, step);
  }

 private:
  int bordered_width() const { return output().width + 2 * (width_ - 1); }
  std::size_t bordered_size() const {
    const int height = output().height + 2 * (height_ - 1);
    return round_up(static_cast<std::size_t>(height) * bordered_width() * output().channels + kPanel, kPanel);
  }
  std::size_t turned_rows() const { return static_cast<std::size_t>(height_) * width_ * output().channels; }

  void add_gradient(const float* x, const float* dy, float* gradient) {
    const Shape in = input(), out = output();
    const int run = width_ * in.channels, row = in.width * in.channels;
    for (int p = 0; p < weights_.panels(); ++p, gradient += weights_.panel_size()) {
      const int columns = weights_.panel_columns(p);
      for (int i = 0; i < height_; ++i)
        kernels_.gemm({.a = x + i * row, .a_row = 1, .a_outer = row, .a_inner = in.channels,
                       .b = dy + p * kPanel, .b_row = out.channels,
                       .c = gradient + i * run * kPanel, .c_row = kPanel,
                       .rows = run, .columns = columns, .outer = out.height, .inner = out.width,
                       .start = nullptr});
      kernels_.sum_rows({dy + p * kPanel, out.channels, out.pixels()},
                        gradient + static_cast<std::ptrdiff_t>(weights_.rows()) * kPanel, columns);
    }
  }

  void input_gradient(const float* dy, float* dx, int worker) {
    const Shape in = input(), out = output();
    const int run = width_ * out.channels, row = bordered_width() * out.channels;
    float* bordered = bordered_.data() + worker * bordered_size();
    for (int y = 0; y < out.height; ++y)
      std::memcpy(bordered + (y + height_ - 1) * row + (width_ - 1) * out.channels,
                  dy + y * out.width * out.channels, sizeof(float) * out.width * out.channels);
    for (int y = 0; y < in.height; ++y)
      for (int column = 0; column < in.channels; column += kPanel)
        kernels_.gemm({.a = bordered + y * row, .a_row = out.channels, .a_outer = row, .a_inner = 1,
                       .b = copy_.data() + column * turned_rows(), .b_row = kPanel,
                       .c = dx + y * in.width * in.channels + column, .c_row = in.channels,
                       .rows = in.width, .columns = in.channels - column < kPanel ? in.channels - column : kPanel,
                       .outer = height_, .inner = run, .start = kZeros});
  }

  // The copy is [panel of channels][turned window row, window column, filter][32 channels].
  void refresh(const Weights::Block& block) override {
    const int channels = input().channels, filters = output().channels, positions = height_ * width_;
    const int columns = weights_.panel_columns(block.panel);
    for (int row = block.row; row < block.row + block.rows; ++row) {
      const float* from = weights_.panel(block.panel) + static_cast<std::ptrdiff_t>(row) * kPanel;
      const int channel = row % channels, turned = positions - 1 - row / channels;
      float* to = copy_.data() + (channel / kPanel) * kPanel * turned_rows() + channel % kPanel +
                  (static_cast<std::ptrdiff_t>(turned) * filters + block.panel * kPanel) * kPanel;
      for (int column = 0; column < columns; ++column) to[column * kPanel] = from[column];
    }
  }

  int height_, width_;
  Buffer gradients_;  // one for each chunk, in the layout of the weights
  Buffer bordered_;   // one image of dy with its border for each worker
};

}  // namespace

void conv2d_forward(const Weights& weights, Shape in, Shape out, int height, int width, const Kernels& kernels,
                    const Chunk& chunk) {
  const int run = width * in.channels, row = in.width * in.channels;
  for (int i = 0; i < chunk.samples; ++i)
    for (int y = 0; y < out.height; ++y)
      for (int p = 0; p < weights.panels(); ++p)
        kernels.gemm({.a = chunk.x + i * in.stride() + y * row, .a_row = in.channels, .a_outer = row, .a_inner = 1,
                      .b = weights.panel(p), .b_row = kPanel,
                      .c = chunk.y + i * out.stride() + y * out.width * out.channels + p * kPanel,
                      .c_row = out.channels,
                      .rows = out.width, .columns = weights.panel_columns(p), .outer = height, .inner = run,
                      .start = weights.bias(p)});
}

std::unique_ptr<Layer> make_conv2d(Shape input, int filters, int height, int width, const Kernels& kernels) {
  return std::make_unique<Conv2D>(input, filters, height, width, kernels);
}

}  // namespace optotype
