// Which stages a step has.
//
// Within a stage all tasks may run at once, so a barrier stands between two stages. A task takes some samples through as
// many layers as possible, or one panel of columns of all samples: a layer says which it would have. Where columns
// are divided, the thread that has a panel of weights in its cache from the last update is the one that reads it. The
// plan depends on the net and the batch, never on the threads.
#include <algorithm>

#include "network/network.hpp"

namespace optotype {

void Network::plan_stages() {
  stages_.assign(1, {});  // the first gathers the images
  plan_forward();
  plan_backward();
  plan_memory();
}

// The last stage, if it divides the batch so; else a new one.
Network::Stage& Network::stage_by(Stage::Kind kind) {
  if (stages_.back().kind != kind) stages_.push_back({.kind = kind});
  return stages_.back();
}

void Network::plan_forward() {
  const int end = static_cast<int>(nodes_.size());
  for (int node = 0; node < end; ++node) {
    const Layer& layer = *nodes_[node].layer;
    const Division division = layer.division(batch_);
    if (division == Division::columns) {
      Stage& stage = layer.mixes_columns() ? stages_.emplace_back(Stage{.kind = Stage::columns})
                                           : stage_by(Stage::columns);
      stage.panels = static_cast<int>(tensors_[nodes_[node].y].stride / kPanel);
    } else if (division == Division::samples) {
      if (layer.reduces()) stages_.push_back({.kind = Stage::reduce_forward, .node = node});
      stage_by(Stage::samples);
    }
    Stage& stage = stages_.back();
    if (stage.forward_end == 0) stage.forward_begin = node;
    stage.forward_end = node + 1;
  }
  stage_by(Stage::samples).loss = true;
}

void Network::plan_backward() {
  for (int node = static_cast<int>(nodes_.size()); node-- > lowest_;) {
    const Layer& layer = *nodes_[node].layer;
    const Division division = layer.division(batch_);
    if (division == Division::columns) {
      if (layer.mixes_columns() && node == lowest_) break;  // nobody needs the gradient of its input
      Stage& stage = layer.mixes_columns() ? stages_.emplace_back(Stage{.kind = Stage::columns})
                                           : stage_by(Stage::columns);
      stage.panels = static_cast<int>(tensors_[nodes_[node].x].stride / kPanel);
    } else if (division == Division::samples) {
      if (layer.reduces()) stages_.push_back({.kind = Stage::reduce_backward, .node = node});
      if (layer.reduces() && node == lowest_) break;
      stage_by(Stage::samples);
    }
    Stage& stage = stages_.back();
    if (stage.backward_end == 0) stage.backward_end = node + 1;
    stage.backward_begin = node;
  }
}

// Values and gradients that only one stage of samples touches are kept for each worker's chunk, the others for the batch.
void Network::plan_memory() {
  for (Tensor& tensor : tensors_) tensor = {.stride = tensor.stride};
  for (int s = 0; s < static_cast<int>(stages_.size()); ++s) {
    const Stage& stage = stages_[s];
    const auto touch = [&](Tensor::Place& place) {
      place.whole = place.whole || stage.kind != Stage::samples || (place.stage >= 0 && place.stage != s);
      place.stage = s;
    };
    if (s == 0) touch(tensors_.front().values);
    for (int node = stage.forward_begin; node < stage.forward_end; ++node) {
      touch(tensors_[nodes_[node].x].values);
      touch(tensors_[nodes_[node].y].values);
    }
    if (stage.loss) {
      touch(tensors_.back().values);
      touch(tensors_.back().gradients);
    }
    for (int node = stage.backward_begin; node < stage.backward_end; ++node) {
      touch(tensors_[nodes_[node].x].values);
      touch(tensors_[nodes_[node].y].values);
      touch(tensors_[nodes_[node].y].gradients);
      if (node > lowest_) touch(tensors_[nodes_[node].x].gradients);
    }
  }
  for (const Node& node : nodes_) {
    const bool reduces = node.layer->reduces();
    if (reduces || node.layer->update_reads_x()) tensors_[node.x].values.whole = true;
    if (reduces || node.layer->update_reads_dy()) tensors_[node.y].gradients.whole = true;
  }
}

// Each worker's share of every layer's blocks, one worker after another, so that the pool deals it the panels that it
// has in the stages.
void Network::plan_updates() {
  updates_.clear();
  const int workers = pool_.threads();
  for (int worker = 0; worker < workers; ++worker)
    for (int node = 0; node < static_cast<int>(nodes_.size()); ++node) {
      const int tasks = nodes_[node].layer->tasks();
      for (int task = Pool::share(tasks, worker, workers); task < Pool::share(tasks, worker + 1, workers); ++task)
        updates_.push_back({node, task});
    }
}

}  // namespace optotype
