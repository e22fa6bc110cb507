// A network: its layers in order, and the tensors between them.
#pragma once

#include <memory>
#include <vector>

#include "layers/layer.hpp"
#include "layers/settings.hpp"

namespace optotype {

class Network {
 public:
  // A layer that computes something. It reads tensor x and writes tensor y; tensor 0 is the input of the network. For
  // layers that work in place, both are the same.
  struct Node {
    std::unique_ptr<Layer> layer;
    int x, y;
  };

  // With `bf16`, products have bfloat16 operands in training, and on request in prediction; the kernels must support
  // it.
  Network(Shape input, const std::vector<LayerDescription>&, const Kernels&, bool bf16 = false);

  Shape input() const { return input_; }
  Shape output() const { return output_; }
  Shape features() const { return nodes_.empty() ? input_ : nodes_.back().layer->input(); }  // input of the last layer
  const Kernels& kernels() const { return kernels_; }
  const Bf16Kernels* bf16_kernels() const { return bf16_ ? kernels_.bf16 : nullptr; }

  // The layer of a description, for its parameters. Throws std::invalid_argument if it has none of its own.
  Layer& layer(int index) const;

  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<std::ptrdiff_t>& tensor_strides() const { return tensor_strides_; }  // of one sample

  // Reserves the memory that the layers need for training, or for prediction with bfloat16 operands. Layers from
  // `first_with_gradient` on compute the gradient of their input.
  void reserve_training(TrainingSize, int first_with_gradient);
  bool has_training_memory() const { return has_training_memory_; }

 private:
  int add(const LayerDescription&);
  int add_node(std::unique_ptr<Layer>);
  void fuse_output();

  Shape input_, output_;
  const Kernels& kernels_;
  bool bf16_, has_training_memory_ = false;
  std::vector<Node> nodes_;
  std::vector<std::ptrdiff_t> tensor_strides_;
  std::vector<int> description_nodes_;  // the node of each description, or kNoNode
};

}  // namespace optotype
