// Dropout. A hash of (step, layer, sample, element) decides whether an element is kept, so the backward pass computes
// the same mask again instead of storing it.
#include <algorithm>
#include <cmath>

#include "layers/registry.hpp"

namespace optotype {

namespace {

constexpr float kResolution = 65536.0f;  // the rate is rounded to a multiple of 1 / 65,536, and the scale fits it

class DropoutLayer final : public Layer {
 public:
  DropoutLayer(Shape input, float rate, int index, const Kernels& kernels)
      : Layer(input, input, kernels),
        threshold_(static_cast<std::uint32_t>(std::min(std::round(rate * kResolution), kResolution - 1.0f))),
        scale_(kResolution / (kResolution - static_cast<float>(threshold_))),
        index_(static_cast<std::uint64_t>(index)) {}

  Partition partition(int) const override { return Partition::any; }

  void forward(const Chunk& chunk) override { apply(chunk, chunk.x, chunk.y); }

  void backward(const Chunk& chunk) override {
    if (chunk.dx) apply(chunk, chunk.dy, chunk.dx);
  }

 private:
  void apply(const Chunk& chunk, const float* from, float* to) {
    const Dropout dropout = {.key = chunk.key + index_ * 0x9E3779B97F4A7C15u,
                             .threshold = chunk.training ? threshold_ : 0,
                             .scale = chunk.training ? scale_ : 1.0f};
    const std::ptrdiff_t stride = input().stride();
    for (int i = 0; i < chunk.samples; ++i) {
      const std::ptrdiff_t at = i * stride + chunk.column();
      kernels_.dropout(dropout, static_cast<std::uint32_t>(chunk.first * stride + at), from + at, to + at,
                       chunk.columns(stride));
    }
  }

  std::uint32_t threshold_;
  float scale_;
  std::uint64_t index_;
};

}  // namespace

std::unique_ptr<Layer> make_dropout(const Settings& settings, const LayerContext& context) {
  const float rate = settings.number("rate", 0.0f, 1.0f);
  return std::make_unique<DropoutLayer>(context.input, rate, context.index, context.kernels);
}

}  // namespace optotype
