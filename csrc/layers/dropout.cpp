// Dropout. Whether an element is kept is a hash of (step, layer, sample, element), so the backward pass asks again.
#include <algorithm>
#include <cmath>

#include "layers/layer.hpp"

namespace optotype {

namespace {

constexpr float kResolution = 65536.0f;  // the rate is rounded to a part of it, and the scale is that rate's

class DropoutLayer final : public Layer {
 public:
  DropoutLayer(Shape input, float rate, int place, const Kernels& kernels)
      : Layer(input, input, kernels),
        threshold_(static_cast<std::uint32_t>(std::min(std::round(rate * kResolution), kResolution - 1.0f))),
        scale_(kResolution / (kResolution - static_cast<float>(threshold_))),
        place_(static_cast<std::uint64_t>(place)) {}

  Division division(int) const override { return Division::any; }

  void forward(const Chunk& chunk) override { apply(chunk, chunk.x, chunk.y); }

  void backward(const Chunk& chunk) override {
    if (chunk.dx) apply(chunk, chunk.dy, chunk.dx);
  }

 private:
  void apply(const Chunk& chunk, const float* from, float* to) {
    const Dropout dropout = {.key = chunk.key + place_ * 0x9E3779B97F4A7C15u,
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
  std::uint64_t place_;
};

}  // namespace

std::unique_ptr<Layer> make_dropout(Shape input, float rate, int place, const Kernels& kernels) {
  return std::make_unique<DropoutLayer>(input, rate, place, kernels);
}

}  // namespace optotype
