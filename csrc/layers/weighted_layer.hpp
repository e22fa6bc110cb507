// The base of layers with a kernel and a bias: the parameters, and a packed copy of the kernel. The gradient of the
// input is computed from the packed copy, so every update of a block of the kernel repacks that block.
#pragma once

#include "layers/layer.hpp"
#include "tensor/weights.hpp"

namespace optotype {

// A row of zeros, as the initial value of sums.
inline constexpr float kZeros[kPanel] = {};

class WeightedLayer : public Layer {
 public:
  bool is_trainable() const final { return true; }
  int tasks() const final { return weights_.blocks(); }

  int parameter_count() const final { return 2; }
  std::size_t parameter_size(int i) const final {
    return static_cast<std::size_t>(i == 0 ? weights_.rows() : 1) * weights_.columns();
  }
  void read_parameter(int i, float* out) const final { i == 0 ? weights_.read_kernel(out) : weights_.read_bias(out); }
  void write_parameter(int i, const float* in) final {
    i == 0 ? weights_.write_kernel(in) : weights_.write_bias(in);
    repack_all();
  }

 protected:
  WeightedLayer(Shape input, Shape output, int rows, const Kernels& kernels)
      : Layer(input, output, kernels), weights_(rows, output.channels) {}

  // Copies one block of the kernel to its place in the packed copy.
  virtual void repack(const Weights::Block&) = 0;

  void reserve_packed(std::size_t floats) {
    packed_ = Buffer(floats);
    repack_all();
  }

  void apply_update(const Weights::Block& block, const float* gradient, const Update& update) {
    weights_.update(block, gradient, update, kernels_);
    if (packed_.data()) repack(block);
  }

  Weights weights_;
  Buffer packed_;  // empty if the gradient of the input is not needed

 private:
  void repack_all() {
    for (int i = 0; packed_.data() && i < weights_.blocks(); ++i) repack(weights_.block(i));
  }
};

}  // namespace optotype
