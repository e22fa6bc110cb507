#include "network/network.hpp"

#include <stdexcept>

#include "layers/registry.hpp"

namespace optotype {

namespace {

constexpr int kNoNode = -1;

Activation parse_activation(const Settings& settings) {
  if (!settings.has("activation")) return Activation::linear;
  const std::string& name = settings.text("activation");
  if (name == "linear" || name == "softmax") return Activation::linear;  // softmax is part of the loss
  if (name == "relu") return Activation::relu;
  if (name == "tanh") return Activation::tanh;
  if (name == "sigmoid") return Activation::sigmoid;
  throw std::invalid_argument("unknown activation " + name);
}

}  // namespace

Network::Network(Shape input, const std::vector<LayerDescription>& layers, const Kernels& kernels, bool bf16)
    : input_(input), output_(input), kernels_(kernels), bf16_(bf16), tensor_strides_{input.stride()} {
  for (const LayerDescription& layer : layers) description_nodes_.push_back(add(layer));
}

Layer& Network::layer(int index) const {
  const bool exists = index >= 0 && index < static_cast<int>(description_nodes_.size());
  if (!exists || description_nodes_[index] == kNoNode) throw std::invalid_argument("no such layer with parameters");
  return *nodes_[description_nodes_[index]].layer;
}

int Network::add(const LayerDescription& layer) {
  if (layer.type == "Flatten") {  // images are stored in the order of the flat values already
    output_ = {1, 1, output_.size()};
    return kNoNode;
  }
  if (!nodes_.empty() && nodes_.back().layer->try_fuse(layer)) {
    fuse_output();
    return kNoNode;
  }
  const int index = static_cast<int>(nodes_.size());
  const int node = add_node(make_layer(layer, {output_, index, kernels_, bf16_}));
  const Activation activation = parse_activation(layer.settings);
  if (activation == Activation::linear) return node;
  if (nodes_.back().layer->try_fuse_activation(activation))
    fuse_output();
  else
    add_node(make_activation(activation, {output_, index + 1, kernels_, bf16_}));
  return node;
}

int Network::add_node(std::unique_ptr<Layer> layer) {
  const int x = static_cast<int>(tensor_strides_.size()) - 1;
  output_ = layer->output();
  if (!layer->is_in_place()) tensor_strides_.push_back(output_.stride());
  nodes_.push_back({std::move(layer), x, static_cast<int>(tensor_strides_.size()) - 1});
  return static_cast<int>(nodes_.size()) - 1;
}

// The last layer has fused another one, which may change its output.
void Network::fuse_output() {
  output_ = nodes_.back().layer->output();
  tensor_strides_.back() = output_.stride();
}

void Network::reserve_training(TrainingSize size, int first_with_gradient) {
  for (int node = 0; node < static_cast<int>(nodes_.size()); ++node) {
    size.needs_input_gradient = node >= first_with_gradient;
    nodes_[node].layer->reserve_training(size);
  }
  has_training_memory_ = true;
}

}  // namespace optotype
