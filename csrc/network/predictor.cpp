#include "network/predictor.hpp"

#include <algorithm>

#include "threads/thread_mode.hpp"

namespace optotype {

namespace {

// Weights. Reading fewer takes no longer than waking a thread.
constexpr std::ptrdiff_t kMinSharedWeights = 1 << 16;

void copy_rows(Shape shape, const float* from, int samples, std::int64_t first, float* to) {
  for (int i = 0; i < samples; ++i)
    std::copy_n(from + i * shape.stride(), shape.size(), to + (first + i) * shape.size());
}

}  // namespace

void Predictor::reserve(bool bf16) {
  if (bf16 && !network_.has_training_memory())  // products of bfloat16 need the same memory as in training
    network_.reserve_training({.batch_size = kPredictionChunk,
                               .chunk_size = kPredictionChunk,
                               .chunks = 1,
                               .workers = pool_.threads(),
                               .needs_input_gradient = false,
                               .optimizer_state = {}},
                              static_cast<int>(network_.nodes().size()));
  if (stride_ > 0) return;
  for (const Network::Node& node : network_.nodes()) node.layer->reserve_prediction(pool_.threads());
  for (const std::ptrdiff_t stride : network_.tensor_strides()) stride_ = std::max(stride_, stride);
  for (Buffer& buffer : buffers_) buffer = Buffer(stride_ * kPredictionChunk * pool_.threads());
}

// The only chunk of a prediction would leave the other threads idle. So all threads read the weights of a large layer,
// each some panels of columns, with the same bits as one thread.
void Predictor::forward_single_chunk(Layer& layer, const Chunk& chunk) {
  const bool by_columns = layer.reads_all_columns() && layer.partition(chunk.samples) == Partition::columns;
  if (chunk.bf16 || !by_columns || layer.input().stride() * layer.output().stride() < kMinSharedWeights)
    return layer.forward(chunk);
  pool_.run(static_cast<int>(layer.output().stride() / kPanel), [&](int panel, int worker) {
    Chunk part = chunk;
    part.panel = panel;
    part.worker = worker;
    layer.forward(part);
  });
}

void Predictor::predict_chunk(const Images& images, float scale, std::int64_t first, int samples, int worker, bool bf16,
                              const PredictionOutput& output) {
  float* sides[2];
  for (int i = 0; i < 2; ++i) sides[i] = buffers_[i].data() + stride_ * kPredictionChunk * worker;
  const Shape input = network_.input();
  const std::size_t size = input.size();
  for (int i = 0; i < samples; ++i)
    images.read(network_.kernels(), (first + i) * size, size, scale, sides[0] + i * input.stride());
  int from = 0;
  for (const Network::Node& node : network_.nodes()) {
    if (output.features && &node == &network_.nodes().back())
      copy_rows(node.layer->input(), sides[from], samples, first, output.features);
    const int to = node.layer->is_in_place() ? from : 1 - from;
    const Chunk chunk = {.index = 0,
                         .first = 0,
                         .samples = samples,
                         .batch_size = samples,
                         .worker = worker,
                         .training = false,
                         .bf16 = bf16,
                         .key = 0,
                         .x = sides[from],
                         .y = sides[to],
                         .dy = nullptr,
                         .dx = nullptr};
    samples == images.count ? forward_single_chunk(*node.layer, chunk) : node.layer->forward(chunk);
    from = to;
  }
  copy_rows(network_.output(), sides[from], samples, first, output.outputs);
}

std::int64_t Predictor::predict(const Images& images, float scale, const PredictionOutput& output, Reporter& reporter,
                                bool bf16) {
  const ThreadMode mode(network_.bf16_kernels());
  pool_.restart_after_fork();
  reserve(bf16);
  ThrottledReporter throttled(reporter);
  constexpr std::int64_t kRound = 64 * kPredictionChunk;  // images between two reports
  std::int64_t done = 0;
  if (images.count > 0 && images.count <= kPredictionChunk && throttled.report(done)) {
    predict_chunk(images, scale, 0, static_cast<int>(images.count), 0, bf16, output);
    done = images.count;
  }
  while (done < images.count && throttled.report(done)) {
    const std::int64_t round = std::min(kRound, images.count - done);
    const int chunks = static_cast<int>((round + kPredictionChunk - 1) / kPredictionChunk);
    pool_.run(chunks, [&](int index, int worker) {
      const std::int64_t first = done + static_cast<std::int64_t>(index) * kPredictionChunk;
      const int samples = static_cast<int>(std::min<std::int64_t>(kPredictionChunk, images.count - first));
      predict_chunk(images, scale, first, samples, worker, bf16, output);
    });
    done += round;
  }
  return done;
}

}  // namespace optotype
