// Prediction: chunks of images run forward through all layers, between two buffers that each worker owns.
#include <algorithm>

#include "network/network.hpp"
#include "network/reporter.hpp"

namespace optotype {

namespace {

constexpr std::ptrdiff_t kWorthSharing = 1 << 16;  // weights: to read fewer takes no longer than to wake a thread

}  // namespace

// The only chunk of a prediction leaves the other threads idle. A large layer's weights are then read by all of them, each
// some panels of columns, which are the same to the bit.
void Network::forward_alone(Layer& layer, const Chunk& chunk) {
  const bool by_columns = layer.mixes_columns() && layer.division(chunk.samples) == Division::columns;
  if (chunk.bf16 || !by_columns || layer.input().stride() * layer.output().stride() < kWorthSharing)
    return layer.forward(chunk);
  pool_.run(static_cast<int>(layer.output().stride() / kPanel), [&](int panel, int worker) {
    Chunk part = chunk;
    part.panel = panel;
    part.worker = worker;
    layer.forward(part);
  });
}

void Network::copy_rows(Shape shape, const float* from, int samples, std::int64_t first, float* to) {
  for (int i = 0; i < samples; ++i)
    std::copy_n(from + i * shape.stride(), shape.size(), to + (first + i) * shape.size());
}

void Network::predict_chunk(const Images& images, float scale, std::int64_t first, int samples, int worker,
                            bool bf16, const Answers& answers) {
  float* side[2];
  for (int i = 0; i < 2; ++i) side[i] = predictions_[i].data() + prediction_stride_ * kPredictionChunk * worker;
  const std::size_t size = input_.size();
  for (int i = 0; i < samples; ++i)
    images.read(kernels_, (first + i) * size, size, scale, side[0] + i * input_.stride());
  int at = 0;
  for (const Node& node : nodes_) {
    if (answers.features && &node == &nodes_.back())
      copy_rows(node.layer->input(), side[at], samples, first, answers.features);
    const int to = node.layer->in_place() ? at : 1 - at;
    const Chunk chunk = {.index = 0, .first = 0, .samples = samples, .batch = samples, .worker = worker,
                         .training = false, .bf16 = bf16, .key = 0,
                         .x = side[at], .y = side[to], .dy = nullptr, .dx = nullptr};
    samples == images.count ? forward_alone(*node.layer, chunk) : node.layer->forward(chunk);
    at = to;
  }
  copy_rows(shape_, side[at], samples, first, answers.outputs);
}

std::int64_t Network::predict(const Images& images, float scale, const Answers& answers, Reporter& reporter,
                              bool bf16) {
  const std::lock_guard lock(mutex_);
  const ThreadMode mode(tiles_);
  pool_.revive();
  reserve_prediction(bf16);
  Patience patience(reporter);
  constexpr std::int64_t kRound = 64 * kPredictionChunk;  // between two looks at the clock
  std::int64_t done = 0;
  if (images.count > 0 && images.count <= kPredictionChunk && patience.go_on(done)) {
    predict_chunk(images, scale, 0, static_cast<int>(images.count), 0, bf16, answers);
    done = images.count;
  }
  while (done < images.count && patience.go_on(done)) {
    const std::int64_t round = std::min(kRound, images.count - done);
    const int chunks = static_cast<int>((round + kPredictionChunk - 1) / kPredictionChunk);
    pool_.run(chunks, [&](int index, int worker) {
      const std::int64_t first = done + static_cast<std::int64_t>(index) * kPredictionChunk;
      const int samples = static_cast<int>(std::min<std::int64_t>(kPredictionChunk, images.count - first));
      predict_chunk(images, scale, first, samples, worker, bf16, answers);
    });
    done += round;
  }
  return done;
}

}  // namespace optotype
