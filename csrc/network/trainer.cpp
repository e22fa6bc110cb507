#include "network/trainer.hpp"

#include <algorithm>
#include <cmath>

#include "tensor/randomness.hpp"
#include "threads/thread_mode.hpp"

namespace optotype {

struct Trainer::Step {
  const Images& images;
  float scale;
  const Epoch& epoch;
  std::int64_t first;  // index in epoch.order of the first image of the step
  int samples;
  int chunks;
  std::uint64_t key;
};

Trainer::Trainer(Network& network, Pool& pool, const Optimizer& optimizer, int batch_size,
                 const std::optional<Augmentation>& augmentation)
    : network_(network), pool_(pool), optimizer_(optimizer), plan_(plan(network, batch_size)) {
  if (augmentation) augmenter_.emplace(network.input(), *augmentation, network.kernels(), pool.threads());
  reserve();
  plan_updates();
}

void Trainer::reserve() {
  const int chunks = plan_.chunks(plan_.batch_size);
  network_.reserve_training({.batch_size = plan_.batch_size,
                             .chunk_size = plan_.chunk_size,
                             .chunks = chunks,
                             .workers = pool_.threads(),
                             .needs_input_gradient = false,
                             .optimizer_state = optimizer_.state},
                            plan_.first_trainable + 1);
  const std::ptrdiff_t chunk_samples = static_cast<std::ptrdiff_t>(plan_.chunk_size) * pool_.threads();
  for (std::size_t i = 0; i < plan_.tensors.size(); ++i) {
    const auto samples = [&](bool whole_batch) { return whole_batch ? plan_.batch_size : chunk_samples; };
    const std::ptrdiff_t stride = network_.tensor_strides()[i];
    tensors_.push_back({Buffer(stride * samples(plan_.tensors[i].batch_values)),
                        Buffer(stride * samples(plan_.tensors[i].batch_gradients))});
  }
  losses_.assign(chunks, {});
}

// The tasks of the update: each worker's share of the blocks of every layer, one worker after another. So the pool
// assigns a worker the panels that it also has in the stages.
void Trainer::plan_updates() {
  const int workers = pool_.threads();
  for (int worker = 0; worker < workers; ++worker)
    for (int node = 0; node < static_cast<int>(network_.nodes().size()); ++node) {
      const int tasks = network_.nodes()[node].layer->tasks();
      const int end = Pool::first_task(tasks, worker + 1, workers);
      for (int task = Pool::first_task(tasks, worker, workers); task < end; ++task) updates_.push_back({node, task});
    }
}

float* Trainer::values(int tensor, const Chunk& chunk) const {
  const int row = plan_.tensors[tensor].batch_values ? chunk.first : chunk.worker * plan_.chunk_size;
  return tensors_[tensor].values.data() + network_.tensor_strides()[tensor] * row;
}

float* Trainer::gradients(int tensor, const Chunk& chunk) const {
  const int row = plan_.tensors[tensor].batch_gradients ? chunk.first : chunk.worker * plan_.chunk_size;
  return tensors_[tensor].gradients.data() + network_.tensor_strides()[tensor] * row;
}

Batch Trainer::whole_batch(const Network::Node& node, const Step& step) const {
  return {step.samples, step.chunks, tensors_[node.x].values.data(), tensors_[node.y].gradients.data()};
}

Chunk Trainer::make_chunk(const Stage& stage, const Step& step, int index, int worker) const {
  const bool columns = stage.kind == Stage::columns;
  const int first = columns ? 0 : index * plan_.chunk_size;
  const int samples = columns ? step.samples : std::min(plan_.chunk_size, step.samples - first);
  return {.index = index,
          .first = first,
          .samples = samples,
          .batch_size = step.samples,
          .worker = worker,
          .training = true,
          .bf16 = network_.bf16_kernels() != nullptr,
          .key = step.key,
          .x = nullptr,
          .y = nullptr,
          .dy = nullptr,
          .dx = nullptr,
          .panel = columns ? index : kAllPanels};
}

void Trainer::gather_images(const Step& step, const Chunk& chunk) {
  const Shape shape = network_.input();
  const std::size_t size = shape.size();
  float* to = values(0, chunk);
  for (int i = 0; i < chunk.samples; ++i, to += shape.stride()) {
    const std::int64_t image = step.epoch.order[step.first + chunk.first + i];
    if (augmenter_)
      augmenter_->apply(step.images, step.scale, image, step.epoch.key, chunk.worker, to);
    else
      step.images.read(network_.kernels(), image * size, size, step.scale, to);
  }
}

void Trainer::run_forward(const Stage& stage, const Step& step, Chunk chunk) {
  const std::vector<Network::Node>& nodes = network_.nodes();
  for (int node = stage.forward_begin; node < stage.forward_end; ++node) {
    Layer& layer = *nodes[node].layer;
    chunk.x = values(nodes[node].x, chunk);
    chunk.y = values(nodes[node].y, chunk);
    if (stage.kind == Stage::columns && layer.has_batch_statistics())
      layer.reduce_forward(chunk.panel, whole_batch(nodes[node], step));
    layer.forward(chunk);
    chunk.x = chunk.y;
    if (node + 1 < static_cast<int>(nodes.size())) nodes[node + 1].layer->on_input_ready(chunk);
  }
}

void Trainer::run_loss(const Step& step, Chunk& chunk) {
  const Network::Node& last = network_.nodes().back();
  chunk.x = values(last.y, chunk);
  chunk.dx = gradients(last.y, chunk);
  const Labels labels = {step.epoch.labels, step.epoch.order + step.first + chunk.first};
  losses_[chunk.index] = cross_entropy(chunk, network_.output(), labels);
  chunk.dy = chunk.dx;
  last.layer->on_output_gradient_ready(chunk);
}

void Trainer::run_backward(const Stage& stage, const Step& step, Chunk chunk) {
  const std::vector<Network::Node>& nodes = network_.nodes();
  for (int node = stage.backward_end; node-- > stage.backward_begin;) {
    const bool needs_input_gradient = node > plan_.first_trainable;
    Layer& layer = *nodes[node].layer;
    chunk.x = values(nodes[node].x, chunk);
    chunk.y = values(nodes[node].y, chunk);
    chunk.dy = gradients(nodes[node].y, chunk);
    chunk.dx = needs_input_gradient ? gradients(nodes[node].x, chunk) : nullptr;
    if (stage.kind == Stage::columns && layer.has_batch_statistics())
      layer.reduce_backward(chunk.panel, whole_batch(nodes[node], step));
    layer.backward(chunk);
    chunk.dy = chunk.dx;
    if (needs_input_gradient) nodes[node - 1].layer->on_output_gradient_ready(chunk);
  }
}

void Trainer::run_chunk(const Stage& stage, const Step& step, Chunk chunk) {
  if (&stage == &plan_.stages.front()) {
    gather_images(step, chunk);
    chunk.x = values(0, chunk);
    network_.nodes().front().layer->on_input_ready(chunk);
  }
  run_forward(stage, step, chunk);
  if (stage.loss) run_loss(step, chunk);
  run_backward(stage, step, chunk);
}

void Trainer::run_stage(const Stage& stage, const Step& step) {
  if (stage.kind == Stage::samples || stage.kind == Stage::columns) {
    const int tasks = stage.kind == Stage::columns ? stage.panels : step.chunks;
    pool_.run(tasks, [&](int index, int worker) { run_chunk(stage, step, make_chunk(stage, step, index, worker)); });
    return;
  }
  const Network::Node& node = network_.nodes()[stage.node];
  const Batch batch = whole_batch(node, step);
  pool_.run(node.layer->tasks(), [&](int task, int) {
    stage.kind == Stage::reduce_forward ? node.layer->reduce_forward(task, batch)
                                        : node.layer->reduce_backward(task, batch);
  });
}

void Trainer::run_update(const Step& step, float learning_rate) {
  ++steps_;
  if (optimizer_.bias_correction) learning_rate *= optimizer_.bias_correction(optimizer_.hyperparameters, steps_);
  const Update update = {.kind = optimizer_.kind,
                         .learning_rate = learning_rate,
                         .hyperparameters = optimizer_.hyperparameters,
                         .gradient = nullptr,
                         .weights = nullptr,
                         .m = nullptr,
                         .v = nullptr};
  pool_.run(static_cast<int>(updates_.size()), [&](int index, int) {
    const UpdateTask& task = updates_[index];
    const Network::Node& node = network_.nodes()[task.node];
    node.layer->update(task.task, whole_batch(node, step), update);
  });
}

EpochTotals Trainer::train_epoch(const Images& images, float scale, const Epoch& epoch, Reporter& reporter) {
  const ThreadMode mode(network_.bf16_kernels());
  pool_.restart_after_fork();
  ThrottledReporter throttled(reporter);
  EpochTotals totals;
  while (totals.images < epoch.images) {
    const int samples = static_cast<int>(std::min<std::int64_t>(plan_.batch_size, epoch.images - totals.images));
    const std::uint64_t key = mix(epoch.key + static_cast<std::uint64_t>(totals.steps) * kGolden);
    const Step step = {images, scale, epoch, totals.images, samples, plan_.chunks(samples), key};
    for (const Stage& stage : plan_.stages) run_stage(stage, step);
    LossSum sum;
    for (int chunk = 0; chunk < step.chunks; ++chunk) {
      sum.loss += losses_[chunk].loss;
      sum.correct += losses_[chunk].correct;
    }
    totals.finite = std::isfinite(sum.loss);
    if (!totals.finite) break;  // before the update, so that the weights stay finite
    run_update(step, epoch.learning_rates[totals.steps]);
    totals.loss += sum.loss;
    totals.correct += sum.correct;
    totals.images += samples;
    ++totals.steps;
    if (!throttled.report(totals.images)) break;
  }
  return totals;
}

}  // namespace optotype
