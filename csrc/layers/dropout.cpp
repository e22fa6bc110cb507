// Dropout. Whether an element is kept is a hash of (step, layer, sample, element), so the backward pass asks again.
#include <cmath>

#include "layers/layer.hpp"

namespace optotype {

namespace {

class DropoutLayer final : public Layer {
 public:
  DropoutLayer(Shape input, float rate, int place, const Kernels& kernels)
      : Layer(input, input, kernels),
        threshold_(static_cast<std::uint32_t>(std::floor(static_cast<double>(rate) * 4294967296.0))),
        scale_(1.0f / (1.0f - rate)),
        place_(static_cast<std::uint64_t>(place)) {}

  void forward(const Chunk& chunk) override { apply(chunk, chunk.x, chunk.y); }

  void backward(const Chunk& chunk) override {
    if (chunk.dx) apply(chunk, chunk.dy, chunk.dx);
  }

 private:
  void apply(const Chunk& chunk, const float* from, float* to) {
    const Dropout dropout = {.key = chunk.key + place_ * 0x9E3779B97F4A7C15u,
                             .threshold = chunk.training ? threshold_ : 0,
                             .scale = chunk.training ? scale_ : 1.0f};
    for (int i = 0; i < chunk.samples; ++i) {
      const std::uint32_t counter = static_cast<std::uint32_t>(chunk.first + i) * static_cast<std::uint32_t>(input().size());
      kernels_.dropout(dropout, counter, from + i * input().stride(), to + i * input().stride(), input().size());
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
