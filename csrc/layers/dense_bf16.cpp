// Dense with bfloat16 operands and single-precision sums; weights and optimizer stay in single precision (Micikevicius
// et al., 2018, Mixed precision training, section 3.1, for the master weights), and prediction does unless asked.
//
// Each operand is packed once, by whoever has just computed it: x and dy as rows for the products of samples with
// weights, x transposed and dy in pairs of samples for the gradient of the weights.
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

  Division division(int batch) const override { return dense_division(input(), output(), batch); }
  bool mixes_columns() const override { return true; }
  bool update_reads_dy() const override { return true; }

  void prepare(const Limits& limits) override {
    weights_.prepare(limits.state);
    const std::size_t batch = round_up(limits.batch, kPanel), rows = limits.batch + kPanel;
    samples_ = static_cast<std::ptrdiff_t>(batch);
    input_gradient_ = limits.input_gradient;
    x_rows_ = Buffer(rows * in() / 2);
    x_columns_ = Buffer(batch * in() / 2);
    dy_rows_ = input_gradient_ ? Buffer(rows * out() / 2) : Buffer();
    dy_pairs_ = Buffer(batch * out() / 2);
    reserve_copy((input_gradient_ ? 2 : 1) * in() * out() / 2);
  }

  void prepare_prediction(int workers) override { predicted_ = Buffer(workers * kPredictionChunk * in() / 2); }

  void take_x(const Chunk& chunk) override {
    const std::ptrdiff_t column = chunk.column();
    const int n = chunk.columns(in());
    bf16_.pack_rows(chunk.x + column, in(), numbers(x_rows_) + chunk.first * in() + column, in(), chunk.samples, n);
    for (int i = 0; i < chunk.samples; i += kPanel)
      bf16_.pack_columns(chunk.x + i * in() + column, in(), numbers(x_columns_) + column * samples_ + chunk.first + i,
                         samples_, std::min(kPanel, chunk.samples - i), n);
    const int end = chunk.first + chunk.samples, rest = beyond(chunk);
    for (std::ptrdiff_t k = column; rest > 0 && k < column + n; ++k)
      std::fill_n(numbers(x_columns_) + k * samples_ + end + end % 2, rest, Bf16{0});
  }

  void forward(const Chunk& chunk) override {
    if (!chunk.bf16) return dense_forward(weights_, input(), output(), kernels_, chunk);
    const Bf16* rows = chunk.training ? numbers(x_rows_) + chunk.first * in() : predicted_rows(chunk);
    const std::ptrdiff_t end = chunk.column() + chunk.columns(out());
    for (std::ptrdiff_t column = chunk.column(); column < end; column += kPanel)
      multiply_chunk(rows, in(), numbers(copy_) + column * in(),
                     weights_.bias(static_cast<int>(column / kPanel)), chunk.samples, chunk.y + column, out());
  }

  void take_dy(const Chunk& chunk) override {
    const std::ptrdiff_t column = chunk.column();
    const int n = chunk.columns(out());
    const int end = chunk.first + chunk.samples;
    for (std::ptrdiff_t at = column; at < column + n; at += kPanel) {
      Bf16* pairs = numbers(dy_pairs_) + at * samples_;
      bf16_.pack_pairs(chunk.dy + at, out(), pairs + chunk.first * kPanel, 2 * kPanel, chunk.samples, kPanel);
      std::fill_n(pairs + (end + end % 2) * kPanel, beyond(chunk) * kPanel, Bf16{0});
    }
    if (input_gradient_)
      bf16_.pack_rows(chunk.dy + column, out(), numbers(dy_rows_) + chunk.first * out() + column, out(),
                      chunk.samples, n);
  }

  void backward(const Chunk& chunk) override {
    if (!chunk.dx) return;
    const std::ptrdiff_t end = chunk.column() + chunk.columns(in());
    for (std::ptrdiff_t column = chunk.column(); column < end; column += kPanel)
      multiply_chunk(numbers(dy_rows_) + chunk.first * out(), out(), transposed() + column * out(), kZeros,
                     chunk.samples, chunk.dx + column, in());
  }

  void update(int task, const Batch& batch, const Update& step) override {
    const Weights::Block block = weights_.block(task);
    alignas(64) float gradient[(kPanel + 1) * kPanel];
    bf16_.multiply_block({.a = numbers(x_columns_) + block.row * samples_, .a_row = samples_,
                          .a_half = kPanel / 2 * samples_, .a_outer = 0,
                          .b = numbers(dy_pairs_) + block.panel * kPanel * samples_, .c = gradient,
                          .two_rows = block.rows > kPanel / 2, .two_columns = true,
                          .outer = 1, .steps = (batch.samples + 31) / 32, .add = false});
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
  Bf16* transposed() const { return numbers(copy_) + in() * out(); }

  void multiply_chunk(const Bf16* rows, std::ptrdiff_t n, const Bf16* panel, const float* start, int samples,
                      float* c, std::ptrdiff_t c_row) {
    for (int i = 0; i < samples; i += kPanel)
      bf16_.multiply({.a = rows + i * n, .a_row = n, .b = panel, .c = c + i * c_row, .c_row = c_row,
                      .rows = std::min(kPanel, samples - i), .steps = static_cast<int>(n / kPanel), .start = start});
  }

  // Prediction tells nobody that x is complete.
  const Bf16* predicted_rows(const Chunk& chunk) const {
    Bf16* rows = numbers(predicted_) + chunk.worker * kPredictionChunk * in();
    bf16_.pack_rows(chunk.x, in(), rows, in(), chunk.samples, static_cast<int>(in()));
    return rows;
  }

  // Products over the batch go in steps of 32 samples: after the last one come zeros, whatever an earlier and larger
  // batch has left there. How many, beyond the chunk's last pair of samples.
  static int beyond(const Chunk& chunk) {
    const int end = chunk.first + chunk.samples, from = end + end % 2;
    return end == chunk.batch ? static_cast<int>(round_up(from, kPanel)) - from : 0;
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
  bool input_gradient_ = false;
  Buffer x_rows_, x_columns_;   // of the whole batch: [sample][input], [input][sample]
  Buffer predicted_;            // rows of x in prediction, for each worker
  Buffer dy_rows_, dy_pairs_;   // [sample][unit], [panel][pair of samples][32][2]
};

}  // namespace

std::unique_ptr<Layer> make_dense_bf16(Shape input, int units, const Kernels& kernels) {
  return std::make_unique<DenseBf16>(input, units, kernels);
}

}  // namespace optotype
