// MaxPooling2D. The forward pass stores no positions: the backward pass finds the maximum again where x equals y.
#include "layers/registry.hpp"

namespace optotype {

namespace {

class MaxPooling2D final : public Layer {
 public:
  MaxPooling2D(Shape input, int height, int width, const Kernels& kernels)
      : Layer(input, {input.height / height, input.width / width, input.channels}, kernels),
        pool_{input.width, input.channels, height, width, output().height, output().width} {}

  void forward(const Chunk& chunk) override {
    for (int i = 0; i < chunk.samples; ++i)
      kernels_.max_pool(pool_, chunk.x + i * input().stride(), chunk.y + i * output().stride());
  }

  void backward(const Chunk& chunk) override {
    if (!chunk.dx) return;
    for (int i = 0; i < chunk.samples; ++i) {
      const std::ptrdiff_t in = i * input().stride(), out = i * output().stride();
      kernels_.max_pool_gradient(pool_, chunk.x + in, chunk.y + out, chunk.dy + out, chunk.dx + in);
    }
  }

 private:
  Pooling pool_;
};

}  // namespace

std::unique_ptr<Layer> make_max_pooling2d(const Settings& settings, const LayerContext& context) {
  const auto [height, width] = settings.sides("pool_size");
  return std::make_unique<MaxPooling2D>(context.input, height, width, context.kernels);
}

}  // namespace optotype
