// Dense: y = x W + b, dx = dy W^T, dW = x^T dy.
//
// The packed copy of the kernel, for dx, is its transpose, in panels too.
#include "layers/dense/dense.hpp"

#include <limits>

namespace optotype {

namespace {

class Dense final : public WeightedLayer {
 public:
  Dense(Shape input, int units, const Kernels& kernels) : WeightedLayer(input, {1, 1, units}, input.size(), kernels) {}

  Partition partition(int batch_size) const override { return dense_partition(input(), output(), batch_size); }
  bool reads_all_columns() const override { return true; }
  bool update_reads_x() const override { return true; }
  bool update_reads_dy() const override { return true; }

  void reserve_training(const TrainingSize& size) override {
    weights_.allocate_state(size.optimizer_state);
    if (size.needs_input_gradient) reserve_packed(static_cast<std::size_t>(input().stride()) * output().stride());
  }

  void forward(const Chunk& chunk) override { dense_forward(weights_, input(), output(), kernels_, chunk); }

  void backward(const Chunk& chunk) override {
    if (!chunk.dx) return;
    const std::ptrdiff_t units = output().stride();
    const std::ptrdiff_t end = chunk.column() + chunk.columns(input().stride());
    for (std::ptrdiff_t column = chunk.column(); column < end; column += kPanel)
      kernels_.gemm({.a = chunk.dy,
                     .a_row = units,
                     .a_outer = 0,
                     .a_inner = 1,
                     .b = packed_.data() + column * units,
                     .b_row = kPanel,
                     .c = chunk.dx + column,
                     .c_row = input().stride(),
                     .rows = chunk.samples,
                     .columns = kPanel,
                     .outer = 1,
                     .inner = weights_.columns(),
                     .start = kZeros});
  }

  void update(int task, const Batch& batch, const Update& update) override {
    const Weights::Block block = weights_.block(task);
    float gradient[(kPanel + 1) * kPanel];
    const float* dy = batch.dy + block.panel * kPanel;
    kernels_.gemm({.a = batch.x + block.row,
                   .a_row = 1,
                   .a_outer = 0,
                   .a_inner = input().stride(),
                   .b = dy,
                   .b_row = output().stride(),
                   .c = gradient,
                   .c_row = kPanel,
                   .rows = block.rows,
                   .columns = kPanel,
                   .outer = 1,
                   .inner = batch.samples,
                   .start = kZeros});
    if (block.has_bias) {
      float* sums = gradient + block.rows * kPanel;
      for (int j = 0; j < kPanel; ++j) sums[j] = 0.0f;
      kernels_.sum_rows({dy, output().stride(), batch.samples}, sums, kPanel);
    }
    apply_update(block, gradient, update);
  }

 private:
  // The packed copy is [panel of inputs][unit][32 inputs], so a block of W becomes a contiguous run.
  void repack(const Weights::Block& block) override {
    kernels_.transpose(weights_.panel(block.panel) + block.row * kPanel,
                       packed_.data() + block.row * output().stride() + block.panel * kPanel * kPanel, block.rows);
  }
};

}  // namespace

// Changed weights must be transferred to each core that reads them. If samples are divided, every core reads all
// weights. If columns are divided, each core keeps its panels, and x and dy are transferred instead.
Partition dense_partition(Shape input, Shape output, int batch_size) {
  const std::ptrdiff_t transferred = batch_size * (input.stride() + output.stride());
  return input.stride() * output.stride() >= transferred ? Partition::columns : Partition::samples;
}

void dense_forward(const Weights& weights, Shape input, Shape output, const Kernels& kernels, const Chunk& chunk) {
  const bool all = chunk.panel == kAllPanels;
  for (int p = all ? 0 : chunk.panel; p < (all ? weights.panels() : chunk.panel + 1); ++p)
    kernels.gemm({.a = chunk.x,
                  .a_row = input.stride(),
                  .a_outer = 0,
                  .a_inner = 1,
                  .b = weights.panel(p),
                  .b_row = kPanel,
                  .c = chunk.y + p * kPanel,
                  .c_row = output.stride(),
                  .rows = chunk.samples,
                  .columns = kPanel,
                  .outer = 1,
                  .inner = weights.rows(),
                  .start = weights.bias(p)});
}

std::unique_ptr<Layer> make_dense(const Settings& settings, const LayerContext& context) {
  const int units = settings.integer("units", 1, std::numeric_limits<int>::max());
  if (context.bf16) return make_dense_bf16(units, context);
  return std::make_unique<Dense>(context.input, units, context.kernels);
}

}  // namespace optotype
