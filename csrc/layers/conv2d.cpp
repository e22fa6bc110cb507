// Conv2D ("valid", stride 1), as matrix products straight from the image.
//
// An image lies height, width, channels. So for one output row and one row of the window, the inputs of neighbouring
// outputs are runs of (window width x channels) floats that start `channels` apart: overlapping rows of a matrix that
// nobody has to copy. The gradient of x is the same product over dy with a border of zeros and the window turned
// round; the gradient of the weights has the runs as its rows and sums over the pixels.
#include <cstring>

#include "network/weights.hpp"
#include "layers/layer.hpp"

namespace optotype {

namespace {

constexpr float kZeros[kPanel] = {};

class Conv2D final : public Layer {
 public:
  Conv2D(Shape input, int filters, int height, int width, const Kernels& kernels)
      : Layer(input, {input.height - height + 1, input.width - width + 1, filters}, kernels),
        height_(height),
        width_(width),
        weights_(height * width * input.channels, filters) {}

  bool trainable() const override { return true; }
  int tasks() const override { return weights_.blocks(); }

  void prepare(const Limits& limits) override {
    weights_.prepare();
    gradients_ = Buffer(limits.chunks * weights_.size());
    if (!limits.input_gradient) return;
    bordered_ = Buffer(limits.workers * bordered_size());
    turned_ = Buffer(round_up(input().channels, kPanel) * turned_rows());
    refresh_all();
  }

  void forward(const Chunk& chunk) override {
    const Shape in = input(), out = output();
    const int run = width_ * in.channels, row = in.width * in.channels;
    for (int i = 0; i < chunk.samples; ++i)
      for (int y = 0; y < out.height; ++y)
        for (int p = 0; p < weights_.panels(); ++p)
          kernels_.gemm({.a = chunk.x + i * in.stride() + y * row, .a_row = in.channels, .a_outer = row, .a_inner = 1,
                         .b = weights_.panel(p), .b_row = kPanel,
                         .c = chunk.y + i * out.stride() + y * out.width * out.channels + p * kPanel,
                         .c_row = out.channels,
                         .rows = out.width, .columns = weights_.panel_columns(p), .outer = height_, .inner = run,
                         .start = weights_.bias(p)});
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
    weights_.update(block, gradient, step, kernels_);
    if (turned_.data()) refresh(block);
  }

  int parameters() const override { return 2; }
  std::size_t parameter_size(int i) const override {
    return static_cast<std::size_t>(i == 0 ? weights_.rows() : 1) * weights_.columns();
  }
  void read_parameter(int i, float* out) const override {
    i == 0 ? weights_.read_kernel(out) : weights_.read_bias(out);
  }
  void write_parameter(int i, const float* in) override {
    i == 0 ? weights_.write_kernel(in) : weights_.write_bias(in);
    if (turned_.data()) refresh_all();
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
                       .b = turned_.data() + column * turned_rows(), .b_row = kPanel,
                       .c = dx + y * in.width * in.channels + column, .c_row = in.channels,
                       .rows = in.width, .columns = in.channels - column < kPanel ? in.channels - column : kPanel,
                       .outer = height_, .inner = run, .start = kZeros});
  }

  // The copy is [panel of channels][turned window row, window column, filter][32 channels].
  void refresh(const Weights::Block& block) {
    const int channels = input().channels, filters = output().channels, positions = height_ * width_;
    const int columns = weights_.panel_columns(block.panel);
    for (int row = block.row; row < block.row + block.rows; ++row) {
      const float* from = weights_.panel(block.panel) + static_cast<std::ptrdiff_t>(row) * kPanel;
      const int channel = row % channels, turned = positions - 1 - row / channels;
      float* to = turned_.data() + (channel / kPanel) * kPanel * turned_rows() + channel % kPanel +
                  (static_cast<std::ptrdiff_t>(turned) * filters + block.panel * kPanel) * kPanel;
      for (int column = 0; column < columns; ++column) to[column * kPanel] = from[column];
    }
  }

  void refresh_all() {
    for (int i = 0; i < weights_.blocks(); ++i) refresh(weights_.block(i));
  }

  int height_, width_;
  Weights weights_;
  Buffer gradients_;  // one for each chunk, in the layout of the weights
  Buffer bordered_;   // one image of dy with its border for each worker
  Buffer turned_;
};

}  // namespace

std::unique_ptr<Layer> make_conv2d(Shape input, int filters, int height, int width, const Kernels& kernels) {
  return std::make_unique<Conv2D>(input, filters, height, width, kernels);
}

}  // namespace optotype
