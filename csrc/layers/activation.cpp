// Activations, in place: each one's derivative is known from its value.
#include "layers/layer.hpp"

namespace optotype {

namespace {

class ActivationLayer final : public Layer {
 public:
  ActivationLayer(Shape input, Activation activation, const Kernels& kernels)
      : Layer(input, input, kernels), activation_(activation) {}

  bool in_place() const override { return true; }
  Division division(int) const override { return Division::any; }

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
  // Numbers that lie side by side: those of all samples, or of one sample in a panel.
  template <class Do>
  void for_each_run(const Chunk& chunk, const Do& run) const {
    const std::ptrdiff_t stride = output().stride();
    if (chunk.panel == kAllPanels) return run(0, static_cast<std::size_t>(chunk.samples) * stride);
    for (int i = 0; i < chunk.samples; ++i) run(i * stride + chunk.column(), kPanel);
  }

  Activation activation_;
};

}  // namespace

std::unique_ptr<Layer> make_activation(Shape input, Activation activation, const Kernels& kernels) {
  return std::make_unique<ActivationLayer>(input, activation, kernels);
}

}  // namespace optotype
