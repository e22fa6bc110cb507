// What both precisions of Dense share.
#pragma once

#include "layers/registry.hpp"
#include "layers/weighted_layer.hpp"

namespace optotype {

// The forward pass in single precision; prediction uses it by default for both.
void dense_forward(const Weights&, Shape input, Shape output, const Kernels&, const Chunk&);

Partition dense_partition(Shape input, Shape output, int batch_size);

// Dense with bfloat16 operands; only if kernels.bf16 exists.
std::unique_ptr<Layer> make_dense_bf16(int units, const LayerContext&);

}  // namespace optotype
