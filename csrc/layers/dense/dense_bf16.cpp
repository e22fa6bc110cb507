// Dense with bfloat16 operands and single-precision sums. Weights and optimizer stay in single precision (Micikevicius
// et al., 2018, Mixed precision training, section 3.1, for the master weights). Prediction uses single precision unless
// bfloat16 is requested.
//
// Each operand is packed once, by the thread that has just computed it: x and dy as rows for the products of samples
// with weights; x transposed, and dy in pairs of samples, for the gradient of the weights.
// Each block of weights is packed again after its update: in pairs, once as it is and once transposed.
#include <algorithm>

#include "kernels/bf16.hpp"
#include "layers/dense/dense.hpp"

namespace optotype {

namespace {

constexpr int kBlock = kPanel * kPanel;  // values in a block of weights

class DenseBf16 final : public WeightedLayer {
 public:
  DenseBf16(Shape input, int units, const Kernels& kernels)
      : WeightedLayer(input, {1, 1, units}, input.size(), kernels), bf16_(*kernels.bf16) {}

  Partition partition(int batch_size) const override { return dense_partition(input(), output(), batch_size); }
  bool reads_all_columns() const override { return true; }
  bool update_reads_dy() const override { return true; }

  void reserve_training(const TrainingSize& size) override {
    weights_.allocate_state(size.optimizer_state);
    const std::size_t batch = round_up(size.batch_size, kPanel), rows = size.batch_size + kPanel;
    padded_batch_ = static_cast<std::ptrdiff_t>(batch);
    needs_input_gradient_ = size.needs_input_gradient;
    x_rows_ = Buffer(rows * in() / 2);
    x_columns_ = Buffer(batch * in() / 2);
    dy_rows_ = needs_input_gradient_ ? Buffer(rows * out() / 2) : Buffer();
    dy_pairs_ = Buffer(batch * out() / 2);
    reserve_packed((needs_input_gradient_ ? 2 : 1) * in() * out() / 2);
  }

  void reserve_prediction(int workers) override { prediction_rows_ = Buffer(workers * kPredictionChunk * in() / 2); }

  void on_input_ready(const Chunk& chunk) override {
    const std::ptrdiff_t column = chunk.column();
    const int n = chunk.columns(in());
    bf16_.pack_rows(chunk.x + column, in(), as_bf16(x_rows_) + chunk.first * in() + column, in(), chunk.samples, n);
    for (int i = 0; i < chunk.samples; i += kPanel)
      bf16_.pack_columns(chunk.x + i * in() + column, in(),
                         as_bf16(x_columns_) + column * padded_batch_ + chunk.first + i, padded_batch_,
                         std::min(kPanel, chunk.samples - i), n);
    const int end = chunk.first + chunk.samples, padding = padding_samples(chunk);
    for (std::ptrdiff_t k = column; padding > 0 && k < column + n; ++k)
      std::fill_n(as_bf16(x_columns_) + k * padded_batch_ + end + end % 2, padding, Bf16{0});
  }

  void forward(const Chunk& chunk) override {
    if (!chunk.bf16) return dense_forward(weights_, input(), output(), kernels_, chunk);
    const Bf16* rows = chunk.training ? as_bf16(x_rows_) + chunk.first * in() : pack_prediction_rows(chunk);
    const std::ptrdiff_t end = chunk.column() + chunk.columns(out());
    for (std::ptrdiff_t column = chunk.column(); column < end; column += kPanel)
      multiply_chunk(rows, in(), as_bf16(packed_) + column * in(), weights_.bias(static_cast<int>(column / kPanel)),
                     chunk.samples, chunk.y + column, out());
  }

  void on_output_gradient_ready(const Chunk& chunk) override {
    const std::ptrdiff_t column = chunk.column();
    const int n = chunk.columns(out());
    const int end = chunk.first + chunk.samples;
    for (std::ptrdiff_t at = column; at < column + n; at += kPanel) {
      Bf16* pairs = as_bf16(dy_pairs_) + at * padded_batch_;
      bf16_.pack_pairs(chunk.dy + at, out(), pairs + chunk.first * kPanel, 2 * kPanel, chunk.samples, kPanel);
      std::fill_n(pairs + (end + end % 2) * kPanel, padding_samples(chunk) * kPanel, Bf16{0});
    }
    if (needs_input_gradient_)
      bf16_.pack_rows(chunk.dy + column, out(), as_bf16(dy_rows_) + chunk.first * out() + column, out(), chunk.samples,
                      n);
  }

  void backward(const Chunk& chunk) override {
    if (!chunk.dx) return;
    const std::ptrdiff_t end = chunk.column() + chunk.columns(in());
    for (std::ptrdiff_t column = chunk.column(); column < end; column += kPanel)
      multiply_chunk(as_bf16(dy_rows_) + chunk.first * out(), out(), transposed() + column * out(), kZeros,
                     chunk.samples, chunk.dx + column, in());
  }

  void update(int task, const Batch& batch, const Update& update) override {
    const Weights::Block block = weights_.block(task);
    alignas(64) float gradient[(kPanel + 1) * kPanel];
    bf16_.multiply_block({.a = as_bf16(x_columns_) + block.row * padded_batch_,
                          .a_row = padded_batch_,
                          .a_half = kPanel / 2 * padded_batch_,
                          .a_outer = 0,
                          .b = as_bf16(dy_pairs_) + block.panel * kPanel * padded_batch_,
                          .c = gradient,
                          .two_rows = block.rows > kPanel / 2,
                          .two_columns = true,
                          .outer = 1,
                          .steps = (batch.samples + 31) / 32,
                          .add = false});
    if (block.has_bias) {
      float* sums = gradient + block.rows * kPanel;
      for (int j = 0; j < kPanel; ++j) sums[j] = 0.0f;
      kernels_.sum_rows({batch.dy + block.panel * kPanel, out(), batch.samples}, sums, kPanel);
    }
    apply_update(block, gradient, update);
  }

 private:
  std::ptrdiff_t in() const { return input().stride(); }
  std::ptrdiff_t out() const { return output().stride(); }
  static Bf16* as_bf16(const Buffer& buffer) { return reinterpret_cast<Bf16*>(buffer.data()); }
  Bf16* transposed() const { return as_bf16(packed_) + in() * out(); }

  void multiply_chunk(const Bf16* rows, std::ptrdiff_t n, const Bf16* panel, const float* start, int samples, float* c,
                      std::ptrdiff_t c_row) {
    for (int i = 0; i < samples; i += kPanel)
      bf16_.multiply({.a = rows + i * n,
                      .a_row = n,
                      .b = panel,
                      .c = c + i * c_row,
                      .c_row = c_row,
                      .rows = std::min(kPanel, samples - i),
                      .steps = static_cast<int>(n / kPanel),
                      .start = start});
  }

  // Prediction does not call on_input_ready, so it packs x itself.
  const Bf16* pack_prediction_rows(const Chunk& chunk) const {
    Bf16* rows = as_bf16(prediction_rows_) + chunk.worker * kPredictionChunk * in();
    bf16_.pack_rows(chunk.x, in(), rows, in(), chunk.samples, static_cast<int>(in()));
    return rows;
  }

  // The number of zeros to write after the last pair of samples of the chunk. Products over the batch run in steps of
  // 32 samples, so values that an earlier, larger batch left after the last sample must be overwritten.
  static int padding_samples(const Chunk& chunk) {
    const int end = chunk.first + chunk.samples, from = end + end % 2;
    return end == chunk.batch_size ? static_cast<int>(round_up(from, kPanel)) - from : 0;
  }

  void repack(const Weights::Block& block) override {
    const float* from = weights_.panel(block.panel) + block.row * kPanel;
    bf16_.pack_pairs(from, kPanel, as_bf16(packed_) + block.panel * in() * kPanel + block.row * kPanel, 2 * kPanel,
                     block.rows, kPanel);
    if (needs_input_gradient_)
      bf16_.pack_transposed_pairs(from, kPanel, transposed() + block.row * out() + block.panel * kBlock, 2 * kPanel,
                                  block.rows);
  }

  const Bf16Kernels& bf16_;
  std::ptrdiff_t padded_batch_ = 0;  // samples of a batch, rounded up to whole steps
  bool needs_input_gradient_ = false;
  Buffer x_rows_, x_columns_;  // of the whole batch: [sample][input], [input][sample]
  Buffer prediction_rows_;     // rows of x in prediction, for each worker
  Buffer dy_rows_, dy_pairs_;  // [sample][unit], [panel][pair of samples][32][2]
};

}  // namespace

std::unique_ptr<Layer> make_dense_bf16(int units, const LayerContext& context) {
  return std::make_unique<DenseBf16>(context.input, units, context.kernels);
}

}  // namespace optotype
