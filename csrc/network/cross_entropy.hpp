// Softmax and cross-entropy of a chunk of logits, with the gradient.
#pragma once

#include <cstdint>

#include "layers/layer.hpp"

namespace optotype {

// The label of sample i is all[order[i]].
struct Labels {
  const std::int32_t* all;
  const std::int64_t* order;
};

struct LossSum {
  double loss = 0.0;
  int correct = 0;
};

// Reads chunk.x, the logits; writes chunk.dx, the gradient of the batch's mean loss. `labels` are the chunk's own.
LossSum cross_entropy(const Chunk& chunk, Shape logits, const Labels& labels, int batch);

}  // namespace optotype
