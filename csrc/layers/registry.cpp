#include "layers/registry.hpp"

#include <stdexcept>

namespace optotype {

using Factory = std::unique_ptr<Layer>(const Settings&, const LayerContext&);

// Each factory is defined in the file of its layer.
Factory make_batch_normalization, make_conv2d, make_dense, make_dropout, make_max_pooling2d;

namespace {

constexpr struct {
  const char* type;
  Factory* make;
} kLayers[] = {
    {"BatchNormalization", make_batch_normalization},
    {"Conv2D", make_conv2d},
    {"Dense", make_dense},
    {"Dropout", make_dropout},
    {"MaxPooling2D", make_max_pooling2d},
};

}  // namespace

std::unique_ptr<Layer> make_layer(const LayerDescription& layer, const LayerContext& context) {
  for (const auto& [type, make] : kLayers)
    if (layer.type == type) return make(layer.settings, context);
  throw std::invalid_argument("unknown layer " + layer.type);
}

}  // namespace optotype
