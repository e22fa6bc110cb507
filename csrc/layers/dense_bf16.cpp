// Dense in training with bfloat16 operands and single-precision sums; weights, optimizer and prediction stay in single
// precision (Micikevicius et al., 2018, Mixed precision training, section 3.1, for the master weights).
//
// Each operand is packed once, by whoever has just computed it: a chunk packs x and dy as rows for its own products,
// and into two arrays of the whole batch, x transposed and dy in pairs of samples, for the gradient of the weights.
// Each block of weights packs itself anew when it has changed: in pairs, as it is and transposed.
#include <algorithm>

#include "kernels/bf16.hpp"
#include "layers/weighted.hpp"

namespace optotype {

namespace {

constexpr int kBlock = kPanel * kPanel;  // numbers in a block of weights

class DenseBf16 final : public WeightedLayer {
 public:
  DenseBf16(Shape input, int units, const Kernels& kernels)
      : WeightedLayer(input, {1, 1, units}, input.size(), kernels), bf16_(*kernels.bf16) {}

  bool needs_whole_batch() const override { return true; }

  void prepare(const Limits& limits) override {
    weights_.prepare(limits.state);
    const std::size_t batch = round_up(limits.batch, kPanel), rows = round_up(limits.chunk, kPanel);
    samples_ = static_cast<std::ptrdiff_t>(batch);
    x_columns_ = Buffer(batch * in() / 2);
    dy_pairs_ = Buffer(batch * out() / 2);
    scratch_size_ = rows * std::max(in(), out());
    scratch_ = Buffer(limits.workers * scratch_size_ / 2);
    input_gradient_ = limits.input_gradient;
    reserve_copy((input_gradient_ ? 2 : 1) * in() * out() / 2);
  }

  void forward(const Chunk& chunk) override {
    if (!chunk.bf16) return dense_forward(weights_, input(), output(), kernels_, chunk);
    Bf16* rows = scratch(chunk.worker);
    bf16_.pack_rows(chunk.x, in(), rows, in(), chunk.samples, in());
    if (chunk.training) pack_for_gradient(chunk);
    for (int p = 0; p < weights_.panels(); ++p)
      multiply_chunk(rows, in(), numbers(copy_) + p * in() * kPanel, weights_.bias(p), chunk.samples,
                     chunk.y + p * kPanel, out());
  }

  void backward(const Chunk& chunk) override {
    bf16_.pack_pairs(chunk.dy, out(), numbers(dy_pairs_) + chunk.first * out(), 2 * out(), chunk.samples, out());
    if (!chunk.dx) return;
    Bf16* rows = scratch(chunk.worker);
    bf16_.pack_rows(chunk.dy, out(), rows, out(), chunk.samples, out());
    for (int p = 0; p * kPanel < in(); ++p)
      multiply_chunk(rows, out(), transposed() + p * out() * kPanel, kZeros, chunk.samples, chunk.dx + p * kPanel,
                     in());
  }

  void update(int task, const Batch& batch, const Update& step) override {
    const Weights::Block block = weights_.block(task);
    float gradient[(kPanel + 1) * kPanel];
    bf16_.multiply({.a = numbers(x_columns_) + block.row * samples_, .a_row = samples_, .a_outer = 0,
                    .b = numbers(dy_pairs_) + 2 * block.panel * kPanel, .b_pair = 2 * out(),
                    .c = gradient, .c_row = kPanel,
                    .rows = block.rows, .columns = kPanel, .outer = 1, .steps = (batch.samples + 31) / 32,
                    .start = kZeros});
    if (block.bias) {
      float* sums = gradient + block.rows * kPanel;
      for (int j = 0; j < kPanel; ++j) sums[j] = 0.0f;
      kernels_.sum_rows({batch.dy + block.panel * kPanel, out(), batch.samples}, sums, kPanel);
    }
    change(block, gradient, step);
  }

 private:
  std::ptrdiff_t in() const { return input().stride(); }
  std::ptrdiff_t out() const { return output().stride(); }
  static Bf16* numbers(const Buffer& buffer) { return reinterpret_cast<Bf16*>(buffer.data()); }
  Bf16* scratch(int worker) const { return numbers(scratch_) + worker * scratch_size_; }
  Bf16* transposed() const { return numbers(copy_) + in() * out(); }

  void multiply_chunk(const Bf16* rows, std::ptrdiff_t n, const Bf16* panel, const float* start, int samples,
                      float* c, std::ptrdiff_t c_row) {
    for (int i = 0; i < samples; i += kPanel)
      bf16_.multiply({.a = rows + i * n, .a_row = n, .a_outer = 0,
                      .b = panel, .b_pair = 2 * kPanel,
                      .c = c + i * c_row, .c_row = c_row,
                      .rows = std::min(kPanel, samples - i), .columns = kPanel, .outer = 1,
                      .steps = static_cast<int>(n / kPanel), .start = start});
  }

  void pack_for_gradient(const Chunk& chunk) {
    for (int i = 0; i < chunk.samples; i += kPanel)
      bf16_.pack_columns(chunk.x + i * in(), in(), numbers(x_columns_) + chunk.first + i, samples_,
                         std::min(kPanel, chunk.samples - i), in());
    clear_rest(chunk);
  }

  // Products over the batch go in steps of 32 samples: after the last one come zeros, whatever an earlier and larger
  // batch has left there.
  void clear_rest(const Chunk& chunk) {
    const int end = chunk.first + chunk.samples;
    if (end != chunk.batch) return;
    const int from = end + end % 2, rest = static_cast<int>(round_up(from, kPanel)) - from;
    for (std::ptrdiff_t k = 0; k < in(); ++k) std::fill_n(numbers(x_columns_) + k * samples_ + from, rest, Bf16{0});
    std::fill_n(numbers(dy_pairs_) + from * out(), rest * out(), Bf16{0});
  }

  void refresh(const Weights::Block& block) override {
    const float* from = weights_.panel(block.panel) + block.row * kPanel;
    bf16_.pack_pairs(from, kPanel, numbers(copy_) + block.panel * in() * kPanel + block.row * kPanel, 2 * kPanel,
                     block.rows, kPanel);
    if (input_gradient_)
      bf16_.pack_transposed_pairs(from, kPanel, transposed() + block.row * out() + block.panel * kBlock, 2 * kPanel,
                                  block.rows);
  }

  const Bf16Kernels& bf16_;
  std::ptrdiff_t samples_ = 0;  // of a batch, rounded up to whole steps
  std::size_t scratch_size_ = 0;
  bool input_gradient_ = false;
  Buffer x_columns_, dy_pairs_;  // of the whole batch: [input][sample], [pair of samples][unit][2]
  Buffer scratch_;               // rows of a chunk, for each worker
};

}  // namespace

std::unique_ptr<Layer> make_dense_bf16(Shape input, int units, const Kernels& kernels) {
  return std::make_unique<DenseBf16>(input, units, kernels);
}

}  // namespace optotype
