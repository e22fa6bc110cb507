// Prediction: chunks of images run forward through all layers, between two buffers that each worker owns.
#include <algorithm>

#include "network/network.hpp"
#include "network/reporter.hpp"

namespace optotype {

void Network::predict_chunk(const Images& images, float scale, std::int64_t first, int samples, int worker,
                            bool bf16, float* logits) {
  float* side[2];
  for (int i = 0; i < 2; ++i) side[i] = predictions_[i].data() + prediction_stride_ * kPredictionChunk * worker;
  const std::size_t size = input_.size();
  for (int i = 0; i < samples; ++i)
    images.read(kernels_, (first + i) * size, size, scale, side[0] + i * input_.stride());
  int at = 0;
  for (const Node& node : nodes_) {
    const int to = node.layer->in_place() ? at : 1 - at;
    node.layer->forward({.index = 0, .first = 0, .samples = samples, .batch = samples, .worker = worker, .training = false, .bf16 = bf16, .key = 0,
                         .x = side[at], .y = side[to], .dy = nullptr, .dx = nullptr});
    at = to;
  }
  for (int i = 0; i < samples; ++i)
    std::copy_n(side[at] + i * shape_.stride(), shape_.channels, logits + (first + i) * shape_.channels);
}

std::int64_t Network::predict(const Images& images, float scale, float* logits, Reporter& reporter, bool bf16) {
  const std::lock_guard lock(mutex_);
  const ThreadMode mode(tiles_);
  pool_.revive();
  reserve_prediction(bf16);
  Patience patience(reporter);
  constexpr std::int64_t kRound = 64 * kPredictionChunk;  // between two looks at the clock
  std::int64_t done = 0;
  while (done < images.count && patience.go_on(done)) {
    const std::int64_t round = std::min(kRound, images.count - done);
    const int chunks = static_cast<int>((round + kPredictionChunk - 1) / kPredictionChunk);
    pool_.run(chunks, [&](int index, int worker) {
      const std::int64_t first = done + static_cast<std::int64_t>(index) * kPredictionChunk;
      const int samples = static_cast<int>(std::min<std::int64_t>(kPredictionChunk, images.count - first));
      predict_chunk(images, scale, first, samples, worker, bf16, logits);
    });
    done += round;
  }
  return done;
}

}  // namespace optotype
