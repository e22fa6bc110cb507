// Dense: y = x W + b, dx = dy W^T, dW = x^T dy.
//
// The copy of the kernel for dx is its transpose, in panels too.
#include "layers/weighted.hpp"

namespace optotype {

namespace {

class Dense final : public WeightedLayer {
 public:
  Dense(Shape input, int units, const Kernels& kernels)
      : WeightedLayer(input, {1, 1, units}, input.size(), kernels) {}

  Division division(int batch) const override { return dense_division(input(), output(), batch); }
  bool mixes_columns() const override { return true; }
  bool update_reads_x() const override { return true; }
  bool update_reads_dy() const override { return true; }

  void prepare(const Limits& limits) override {
    weights_.prepare(limits.state);
    if (limits.input_gradient) reserve_copy(static_cast<std::size_t>(input().stride()) * output().stride());
  }

  void forward(const Chunk& chunk) override { dense_forward(weights_, input(), output(), kernels_, chunk); }

  void backward(const Chunk& chunk) override {
    if (!chunk.dx) return;
    const std::ptrdiff_t units = output().stride();
    const std::ptrdiff_t end = chunk.column() + chunk.columns(input().stride());
    for (std::ptrdiff_t column = chunk.column(); column < end; column += kPanel)
      kernels_.gemm({.a = chunk.dy, .a_row = units, .a_outer = 0, .a_inner = 1,
                     .b = copy_.data() + column * units, .b_row = kPanel,
                     .c = chunk.dx + column, .c_row = input().stride(),
                     .rows = chunk.samples, .columns = kPanel, .outer = 1, .inner = weights_.columns(),
                     .start = kZeros});
  }

  void update(int task, const Batch& batch, const Update& step) override {
    const Weights::Block block = weights_.block(task);
    float gradient[(kPanel + 1) * kPanel];
    const float* dy = batch.dy + block.panel * kPanel;
    kernels_.gemm({.a = batch.x + block.row, .a_row = 1, .a_outer = 0, .a_inner = input().stride(),
                   .b = dy, .b_row = output().stride(),
                   .c = gradient, .c_row = kPanel,
                   .rows = block.rows, .columns = kPanel, .outer = 1, .inner = batch.samples,
                   .start = kZeros});
    if (block.bias) {
      float* sums = gradient + block.rows * kPanel;
      for (int j = 0; j < kPanel; ++j) sums[j] = 0.0f;
      kernels_.sum_rows({dy, output().stride(), batch.samples}, sums, kPanel);
    }
    change(block, gradient, step);
  }

 private:
  // The copy is [panel of inputs][unit][32 inputs], so a block of W becomes one run of it.
  void refresh(const Weights::Block& block) override {
    kernels_.transpose(weights_.panel(block.panel) + block.row * kPanel,
                       copy_.data() + block.row * output().stride() + block.panel * kPanel * kPanel, block.rows);
  }
};

}  // namespace

// Weights that have changed must cross to each core that reads them. Where samples are divided every core reads all
// weights; where columns are, a core keeps its panels, and x and dy cross.
Division dense_division(Shape input, Shape output, int batch) {
  const std::ptrdiff_t crossing = batch * (input.stride() + output.stride());
  return input.stride() * output.stride() >= crossing ? Division::columns : Division::samples;
}

void dense_forward(const Weights& weights, Shape input, Shape output, const Kernels& kernels, const Chunk& chunk) {
  const bool all = chunk.panel == kAllPanels;
  for (int p = all ? 0 : chunk.panel; p < (all ? weights.panels() : chunk.panel + 1); ++p)
    kernels.gemm({.a = chunk.x, .a_row = input.stride(), .a_outer = 0, .a_inner = 1,
                  .b = weights.panel(p), .b_row = kPanel,
                  .c = chunk.y + p * kPanel, .c_row = output.stride(),
                  .rows = chunk.samples, .columns = kPanel, .outer = 1, .inner = weights.rows(),
                  .start = weights.bias(p)});
}

std::unique_ptr<Layer> make_dense(Shape input, int units, const Kernels& kernels) {
  return std::make_unique<Dense>(input, units, kernels);
}

}  // namespace optotype
