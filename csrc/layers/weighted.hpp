// What layers with a kernel and a bias have in common: the parameters, and a rearranged copy of the kernel by which
// the gradient of the input is computed. Whoever changes a block of the kernel refreshes the same block of the copy.
#pragma once

#include "layers/layer.hpp"
#include "network/weights.hpp"

namespace optotype {

// A row of sums that start at zero.
inline constexpr float kZeros[kPanel] = {};

// The forward pass in single precision, which prediction uses whatever training did.
void dense_forward(const Weights&, Shape input, Shape output, const Kernels&, const Chunk&);

Division dense_division(Shape input, Shape output, int batch);

class WeightedLayer : public Layer {
 public:
  bool trainable() const final { return true; }
  int tasks() const final { return weights_.blocks(); }

  int parameters() const final { return 2; }
  std::size_t parameter_size(int i) const final {
    return static_cast<std::size_t>(i == 0 ? weights_.rows() : 1) * weights_.columns();
  }
  void read_parameter(int i, float* out) const final {
    i == 0 ? weights_.read_kernel(out) : weights_.read_bias(out);
  }
  void write_parameter(int i, const float* in) final {
    i == 0 ? weights_.write_kernel(in) : weights_.write_bias(in);
    refresh_all();
  }

 protected:
  WeightedLayer(Shape input, Shape output, int rows, const Kernels& kernels)
      : Layer(input, output, kernels), weights_(rows, output.channels) {}

  // Rearranges one block of the kernel into the copy.
  virtual void refresh(const Weights::Block&) = 0;

  void reserve_copy(std::size_t floats) {
    copy_ = Buffer(floats);
    refresh_all();
  }

  void change(const Weights::Block& block, const float* gradient, const Update& step) {
    weights_.update(block, gradient, step, kernels_);
    if (copy_.data()) refresh(block);
  }

  Weights weights_;
  Buffer copy_;  // empty where nobody needs the gradient of the input

 private:
  void refresh_all() {
    for (int i = 0; copy_.data() && i < weights_.blocks(); ++i) refresh(weights_.block(i));
  }
};

}  // namespace optotype
