// Activations, in place: each one's derivative is known from its value.
#include "layers/layer.hpp"

namespace optotype {

namespace {

class ActivationLayer final : public Layer {
 public:
  ActivationLayer(Shape input, Activation activation, const Kernels& kernels)
      : Layer(input, input, kernels), activation_(activation) {}

  bool in_place() const override { return true; }

  void forward(const Chunk& chunk) override { kernels_.activate(activation_, chunk.y, size(chunk)); }

  void backward(const Chunk& chunk) override {
    if (chunk.dx) kernels_.activation_gradient(activation_, chunk.y, chunk.dx, size(chunk));
  }

 private:
  std::size_t size(const Chunk& chunk) const { return static_cast<std::size_t>(chunk.samples) * output().stride(); }

  Activation activation_;
};

}  // namespace

std::unique_ptr<Layer> make_activation(Shape input, Activation activation, const Kernels& kernels) {
  return std::make_unique<ActivationLayer>(input, activation, kernels);
}

}  // namespace optotype
