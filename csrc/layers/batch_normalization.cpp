// BatchNormalization over the last axis. In training, mean and variance are those of the batch (the variance without
// Bessel's correction, as in Keras 3), so they are reduced over all chunks before the forward pass continues.
#include <cmath>
#include <limits>

#include "layers/registry.hpp"
#include "tensor/buffer.hpp"

namespace optotype {

namespace {

enum Row { gamma, beta, moving_mean, moving_variance, kParameters };

class BatchNormalization final : public Layer {
 public:
  BatchNormalization(Shape input, float momentum, float epsilon, const Kernels& kernels)
      : Layer(input, input, kernels),
        momentum_(momentum),
        epsilon_(epsilon),
        width_(round_up(input.channels, kPanel)),
        parameters_(kParameters * width_),
        statistics_(kStatistics * width_) {
    for (int c = 0; c < input.channels; ++c) {
      row(gamma)[c] = row(moving_variance)[c] = 1.0f;
      at(moving_inverse)[c] = 1.0f / std::sqrt(1.0f + epsilon_);
    }
  }

  // In flat rows, the statistics of a column are used by that column only.
  Partition partition(int) const override { return input().pixels() == 1 ? Partition::columns : Partition::samples; }
  bool has_batch_statistics() const override { return true; }
  bool is_trainable() const override { return true; }
  int tasks() const override { return static_cast<int>(width_ / kPanel); }

  void reserve_training(const TrainingSize&) override { state_ = Buffer(4 * width_); }

  void reduce_forward(int task, const Batch& batch) override {
    const int from = task * kPanel, n = columns(task);
    float *means = at(mean) + from, *inverses = at(inverse) + from, *variances = at(variance) + from;
    const float scale = 1.0f / (static_cast<float>(batch.samples) * input().pixels());
    for (int c = 0; c < n; ++c) means[c] = variances[c] = 0.0f;
    for (int i = 0; i < parts(batch); ++i) kernels_.sum_rows(part(batch, batch.x, i, from), means, n);
    for (int c = 0; c < n; ++c) means[c] *= scale;
    for (int i = 0; i < parts(batch); ++i) kernels_.sum_squares(part(batch, batch.x, i, from), means, variances, n);
    for (int c = 0; c < n; ++c) {
      variances[c] *= scale;
      inverses[c] = 1.0f / std::sqrt(variances[c] + epsilon_);
    }
  }

  void forward(const Chunk& chunk) override {
    const std::ptrdiff_t c = chunk.column();
    const Normalization norm = {(chunk.training ? at(mean) : row(moving_mean)) + c,
                                (chunk.training ? at(inverse) : at(moving_inverse)) + c, row(gamma) + c, row(beta) + c};
    for_each_pixel(chunk,
                   [&](std::ptrdiff_t from, int n) { kernels_.normalize(norm, chunk.x + from, chunk.y + from, n); });
  }

  void reduce_backward(int task, const Batch& batch) override {
    const int from = task * kPanel, n = columns(task);
    float *dys = at(sum_dy) + from, *dyxs = at(sum_dy_x) + from;
    for (int c = 0; c < n; ++c) dys[c] = dyxs[c] = 0.0f;
    const Normalization norm = {at(mean) + from, at(inverse) + from, nullptr, nullptr};
    for (int i = 0; i < parts(batch); ++i) {
      const Rows dy = part(batch, batch.dy, i, from);
      kernels_.sum_rows(dy, dys, n);
      kernels_.sum_products(part(batch, batch.x, i, from), dy, norm, dyxs, n);
    }
    const float scale = 1.0f / (static_cast<float>(batch.samples) * input().pixels());
    for (int c = 0; c < n; ++c) {
      at(mean_dy)[from + c] = dys[c] * scale;
      at(mean_dy_x)[from + c] = dyxs[c] * scale;
    }
  }

  void backward(const Chunk& chunk) override {
    if (!chunk.dx) return;
    const std::ptrdiff_t c = chunk.column();
    const NormalizationGradient norm = {at(mean) + c, at(inverse) + c, row(gamma) + c, at(mean_dy) + c,
                                        at(mean_dy_x) + c};
    for_each_pixel(chunk, [&](std::ptrdiff_t from, int n) {
      kernels_.normalize_gradient(norm, chunk.x + from, chunk.dy + from, chunk.dx + from, n);
    });
  }

  void update(int task, const Batch&, const Update& update) override {
    const int from = task * kPanel, n = columns(task);
    apply_update(gamma, at(sum_dy_x), from, update);
    apply_update(beta, at(sum_dy), from, update);
    float *means = row(moving_mean) + from, *variances = row(moving_variance) + from;
    for (int c = 0; c < n; ++c) {
      means[c] = means[c] * momentum_ + at(mean)[from + c] * (1.0f - momentum_);
      variances[c] = variances[c] * momentum_ + at(variance)[from + c] * (1.0f - momentum_);
      at(moving_inverse)[from + c] = 1.0f / std::sqrt(variances[c] + epsilon_);
    }
  }

  int parameter_count() const override { return kParameters; }
  std::size_t parameter_size(int) const override { return input().channels; }
  void read_parameter(int i, float* out) const override {
    for (int c = 0; c < input().channels; ++c) out[c] = row(i)[c];
  }
  void write_parameter(int i, const float* in) override {
    for (int c = 0; c < input().channels; ++c) row(i)[c] = in[c];
    for (int c = 0; c < input().channels; ++c)
      at(moving_inverse)[c] = 1.0f / std::sqrt(row(moving_variance)[c] + epsilon_);
  }

 private:
  enum Statistic { mean, variance, inverse, moving_inverse, sum_dy, sum_dy_x, mean_dy, mean_dy_x, kStatistics };

  float* row(int parameter) const { return parameters_.data() + parameter * width_; }
  float* at(Statistic statistic) const { return statistics_.data() + statistic * width_; }
  int columns(int task) const {
    const int remaining = input().channels - task * kPanel;
    return remaining < kPanel ? remaining : kPanel;
  }
  // A flat batch is one part; otherwise each image is one part.
  int parts(const Batch& batch) const { return input().pixels() == 1 ? 1 : batch.samples; }
  Rows part(const Batch& batch, const float* x, int i, int channel) const {
    if (input().pixels() == 1) return {x + channel, input().stride(), batch.samples};
    return {x + i * input().stride() + channel, input().channels, input().pixels()};
  }
  template <class Function>
  void for_each_pixel(const Chunk& chunk, const Function& function) const {
    const int channels = input().channels, n = chunk.panel == kAllPanels ? channels : columns(chunk.panel);
    for (int i = 0; i < chunk.samples; ++i)
      for (int p = 0; p < input().pixels(); ++p)
        function(i * input().stride() + static_cast<std::ptrdiff_t>(p) * channels + chunk.column(), n);
  }

  void apply_update(Row parameter, const float* gradient, int from, Update update) {
    float* state = state_.data() + 2 * parameter * width_ + from;
    update.gradient = gradient + from;
    update.weights = row(parameter) + from;
    update.m = state;
    update.v = state + width_;
    kernels_.update(update, kPanel);  // includes the padding, which is zero and stays zero
  }

  float momentum_, epsilon_;
  std::size_t width_;
  Buffer parameters_, statistics_, state_;
};

}  // namespace

std::unique_ptr<Layer> make_batch_normalization(const Settings& settings, const LayerContext& context) {
  const float momentum = settings.number("momentum", 0.0f, 1.0f);
  const float epsilon = settings.number("epsilon", 0.0f, std::numeric_limits<float>::max());
  return std::make_unique<BatchNormalization>(context.input, momentum, epsilon, context.kernels);
}

}  // namespace optotype
