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

// Reads chunk.x, the logits. Writes chunk.dx, the gradient of the mean loss of the batch. `labels` are those of the
// chunk.
LossSum cross_entropy(const Chunk& chunk, Shape logits, const Labels& labels);

}  // namespace optotype
