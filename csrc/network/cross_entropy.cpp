#include "network/cross_entropy.hpp"

#include <cmath>

namespace optotype {

LossSum cross_entropy(const Chunk& chunk, Shape logits, const Labels& labels) {
  LossSum sum;
  const int classes = logits.channels;
  const float share = 1.0f / static_cast<float>(chunk.batch_size);
  for (int i = 0; i < chunk.samples; ++i) {
    const float* x = chunk.x + i * logits.stride();
    float* dx = chunk.dx + i * logits.stride();
    const int label = labels.all[labels.order[i]];
    int predicted = 0;
    for (int c = 1; c < classes; ++c)
      if (x[c] > x[predicted]) predicted = c;
    float total = 0.0f;
    for (int c = 0; c < classes; ++c) total += dx[c] = std::exp(x[c] - x[predicted]);
    for (int c = 0; c < classes; ++c) dx[c] *= share / total;
    dx[label] -= share;
    sum.loss += std::log(static_cast<double>(total)) - (static_cast<double>(x[label]) - x[predicted]);
    sum.correct += predicted == label;
  }
  return sum;
}

}  // namespace optotype
