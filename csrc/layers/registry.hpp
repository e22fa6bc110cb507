// The registry of layers: makes a layer from its description.
#pragma once

#include <memory>

#include "layers/layer.hpp"
#include "layers/settings.hpp"

namespace optotype {

// What a layer needs to know besides its own settings.
struct LayerContext {
  Shape input;
  int index;  // in the network, counting only layers that compute something; part of the random key of dropout
  const Kernels& kernels;
  bool bf16;  // whether products have bfloat16 operands; only if kernels.bf16 exists
};

// Throws std::invalid_argument if there is no such layer.
std::unique_ptr<Layer> make_layer(const LayerDescription&, const LayerContext&);

std::unique_ptr<Layer> make_activation(Activation, const LayerContext&);

}  // namespace optotype
