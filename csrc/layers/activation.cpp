// Activations, computed in place: the derivative of each follows from its value.
#include "layers/registry.hpp"

namespace optotype {

namespace {

class ActivationLayer final : public Layer {
 public:
  ActivationLayer(Shape input, Activation activation, const Kernels& kernels)
      : Layer(input, input, kernels), activation_(activation) {}

  bool is_in_place() const override { return true; }
  Partition partition(int) const override { return Partition::any; }

  void forward(const Chunk& chunk) override {
    for_each_run(chunk, [&](std::ptrdiff_t at, std::size_t n) { kernels_.activate(activation_, chunk.y + at, n); });
  }

  void backward(const Chunk& chunk) override {
    if (!chunk.dx) return;
    for_each_run(chunk, [&](std::ptrdiff_t at, std::size_t n) {
      kernels_.activation_gradient(activation_, chunk.y + at, chunk.dx + at, n);
    });
  }

 private:
  // Contiguous runs: all samples, or one sample of a panel.
  template <class Function>
  void for_each_run(const Chunk& chunk, const Function& function) const {
    const std::ptrdiff_t stride = output().stride();
    if (chunk.panel == kAllPanels) return function(0, static_cast<std::size_t>(chunk.samples) * stride);
    for (int i = 0; i < chunk.samples; ++i) function(i * stride + chunk.column(), kPanel);
  }

  Activation activation_;
};

}  // namespace

std::unique_ptr<Layer> make_activation(Activation activation, const LayerContext& context) {
  return std::make_unique<ActivationLayer>(context.input, activation, context.kernels);
}

}  // namespace optotype
