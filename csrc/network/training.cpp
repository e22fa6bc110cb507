// An epoch: for each step, its stages one after another, then the weights.
#include <algorithm>
#include <cmath>

#include "network/network.hpp"
#include "network/randomness.hpp"
#include "network/reporter.hpp"

namespace optotype {

struct Network::StepContext {
  const Images& images;
  float scale;
  const Epoch& epoch;
  std::int64_t first;  // of the step's images, in epoch.order
  int samples;
  std::uint64_t key;

  int chunks(int chunk) const { return (samples + chunk - 1) / chunk; }
};

float* Network::place(const Tensor::Place& place, std::ptrdiff_t stride, const Chunk& chunk) const {
  return place.numbers.data() + stride * (place.whole ? chunk.first : chunk.worker * chunk_);
}

float* Network::values(int tensor, const Chunk& chunk) const {
  return place(tensors_[tensor].values, tensors_[tensor].stride, chunk);
}

float* Network::gradients(int tensor, const Chunk& chunk) const {
  return place(tensors_[tensor].gradients, tensors_[tensor].stride, chunk);
}

Batch Network::whole(const Node& node, const StepContext& step) const {
  return {step.samples, step.chunks(chunk_), tensors_[node.x].values.numbers.data(),
          tensors_[node.y].gradients.numbers.data()};
}

void Network::gather(const StepContext& step, const Chunk& chunk) {
  const std::size_t size = input_.size();
  float* to = values(0, chunk);
  for (int i = 0; i < chunk.samples; ++i, to += input_.stride()) {
    const std::int64_t image = step.epoch.order[step.first + chunk.first + i];
    if (augmenter_)
      augmenter_->apply(step.images, step.scale, image, step.epoch.key, chunk.worker, to);
    else
      step.images.read(kernels_, image * size, size, step.scale, to);
  }
}

Chunk Network::chunk_of(const Stage& stage, const StepContext& step, int index, int worker) const {
  const bool columns = stage.kind == Stage::columns;
  const int first = columns ? 0 : index * chunk_, samples = columns ? step.samples : std::min(chunk_, step.samples - first);
  return {.index = index, .first = first, .samples = samples, .batch = step.samples, .worker = worker, .training = true,
          .bf16 = tiles_ != nullptr, .key = step.key, .x = nullptr, .y = nullptr, .dy = nullptr, .dx = nullptr,
          .panel = columns ? index : kAllPanels};
}

void Network::run_forward(const Stage& stage, const StepContext& step, Chunk chunk) {
  for (int node = stage.forward_begin; node < stage.forward_end; ++node) {
    Layer& layer = *nodes_[node].layer;
    chunk.x = values(nodes_[node].x, chunk);
    chunk.y = values(nodes_[node].y, chunk);
    if (stage.kind == Stage::columns && layer.reduces()) layer.reduce_forward(chunk.panel, whole(nodes_[node], step));
    layer.forward(chunk);
    chunk.x = chunk.y;
    if (node + 1 < static_cast<int>(nodes_.size())) nodes_[node + 1].layer->take_x(chunk);
  }
}

void Network::run_backward(const Stage& stage, const StepContext& step, Chunk chunk) {
  for (int node = stage.backward_end; node-- > stage.backward_begin;) {
    Layer& layer = *nodes_[node].layer;
    chunk.x = values(nodes_[node].x, chunk);
    chunk.y = values(nodes_[node].y, chunk);
    chunk.dy = gradients(nodes_[node].y, chunk);
    chunk.dx = node > lowest_ ? gradients(nodes_[node].x, chunk) : nullptr;
    if (stage.kind == Stage::columns && layer.reduces()) layer.reduce_backward(chunk.panel, whole(nodes_[node], step));
    layer.backward(chunk);
    chunk.dy = chunk.dx;
    if (node > lowest_) nodes_[node - 1].layer->take_dy(chunk);
  }
}

void Network::run_chunk(const Stage& stage, const StepContext& step, Chunk chunk) {
  if (&stage == &stages_.front()) {
    gather(step, chunk);
    chunk.x = values(0, chunk);
    nodes_.front().layer->take_x(chunk);
  }
  run_forward(stage, step, chunk);
  if (stage.loss) {
    const int logits = nodes_.back().y;
    chunk.x = values(logits, chunk);
    chunk.dx = gradients(logits, chunk);
    const Labels labels = {step.epoch.labels, step.epoch.order + step.first + chunk.first};
    losses_[chunk.index] = cross_entropy(chunk, shape_, labels, step.samples);
    chunk.dy = chunk.dx;
    nodes_.back().layer->take_dy(chunk);
  }
  run_backward(stage, step, chunk);
}

void Network::run_stage(const Stage& stage, const StepContext& step) {
  if (stage.kind == Stage::samples || stage.kind == Stage::columns) {
    const int tasks = stage.kind == Stage::columns ? stage.panels : step.chunks(chunk_);
    pool_.run(tasks, [&](int index, int worker) { run_chunk(stage, step, chunk_of(stage, step, index, worker)); });
    return;
  }
  const Node& node = nodes_[stage.node];
  const Batch batch = whole(node, step);
  pool_.run(node.layer->tasks(), [&](int task, int) {
    stage.kind == Stage::reduce_forward ? node.layer->reduce_forward(task, batch)
                                        : node.layer->reduce_backward(task, batch);
  });
}

void Network::run_update(const StepContext& step, float learning_rate) {
  Update update = {.kind = optimizer_.kind, .rate = learning_rate, .first_decay = optimizer_.first_decay,
                   .second_decay = optimizer_.second_decay, .epsilon = optimizer_.epsilon,
                   .gradient = nullptr, .weights = nullptr, .first = nullptr, .second = nullptr};
  if (optimizer_.kind == OptimizerKind::adam) {
    const double t = static_cast<double>(steps_ + 1);
    update.rate *= static_cast<float>(std::sqrt(1.0 - std::pow(static_cast<double>(optimizer_.second_decay), t)) /
                                      (1.0 - std::pow(static_cast<double>(optimizer_.first_decay), t)));
  }
  pool_.run(static_cast<int>(updates_.size()), [&](int index, int) {
    const Task& task = updates_[index];
    const Node& node = nodes_[task.node];
    node.layer->update(task.task, whole(node, step), update);
  });
  ++steps_;
}

EpochTotals Network::train_epoch(const Images& images, float scale, const Epoch& epoch, Reporter& reporter) {
  const std::lock_guard lock(mutex_);
  const ThreadMode mode(tiles_);
  pool_.revive();
  Patience patience(reporter);
  EpochTotals totals;
  while (totals.images < epoch.images) {
    const int samples = static_cast<int>(std::min<std::int64_t>(batch_, epoch.images - totals.images));
    const std::uint64_t key = mix(epoch.key + static_cast<std::uint64_t>(totals.steps) * kGolden);
    const StepContext step = {images, scale, epoch, totals.images, samples, key};
    for (const Stage& stage : stages_) run_stage(stage, step);
    LossSum sum;
    for (int chunk = 0; chunk < step.chunks(chunk_); ++chunk) {
      sum.loss += losses_[chunk].loss;
      sum.correct += losses_[chunk].correct;
    }
    totals.finite = std::isfinite(sum.loss);
    if (!totals.finite) break;  // before the weights take it in
    run_update(step, epoch.learning_rates[totals.steps]);
    totals.loss += sum.loss;
    totals.correct += sum.correct;
    totals.images += samples;
    ++totals.steps;
    if (!patience.go_on(totals.images)) break;
  }
  return totals;
}

}  // namespace optotype
