#include "network/plan.hpp"

#include <algorithm>

namespace optotype {

namespace {

constexpr std::ptrdiff_t kChunkBytes = 4 << 20;  // limit for the values and gradients of a chunk
constexpr int kChunkUnit = 2;                    // samples; products of bfloat16 process pairs
constexpr int kMaxChunk = 128;                   // samples
constexpr int kMinChunkLimit = 32;               // a chunk may always have this many samples, however large they are
constexpr int kMinChunk = 16;                    // so that weights are read for more than a few samples
constexpr int kMinChunks = 4;                    // so that a slower core can take fewer

// The number of samples in a chunk.
int choose_chunk_size(const Network& network, int batch_size) {
  std::ptrdiff_t sample_bytes = 0;
  for (const std::ptrdiff_t stride : network.tensor_strides())
    sample_bytes += 2 * stride * static_cast<std::ptrdiff_t>(sizeof(float));
  const int limit = static_cast<int>(std::clamp<std::ptrdiff_t>(kChunkBytes / sample_bytes, kMinChunkLimit, kMaxChunk));
  const int chunks = std::max((batch_size + limit - 1) / limit, kMinChunks);
  const int even_share = std::max((batch_size + chunks - 1) / chunks, std::min(kMinChunk, limit));
  return static_cast<int>(round_up(static_cast<std::size_t>(even_share), kChunkUnit));
}

int find_first_trainable(const Network& network) {
  int node = 0;
  while (node < static_cast<int>(network.nodes().size()) && !network.nodes()[node].layer->is_trainable()) ++node;
  return node;
}

// The last stage if it is of this kind; otherwise a new one.
Stage& stage_of_kind(Plan& plan, Stage::Kind kind) {
  if (plan.stages.back().kind != kind) plan.stages.push_back({.kind = kind});
  return plan.stages.back();
}

Stage& columns_stage(Plan& plan, const Layer& layer) {
  if (layer.reads_all_columns()) return plan.stages.emplace_back(Stage{.kind = Stage::columns});
  return stage_of_kind(plan, Stage::columns);
}

void plan_forward(const Network& network, Plan& plan) {
  for (int node = 0; node < static_cast<int>(network.nodes().size()); ++node) {
    const Layer& layer = *network.nodes()[node].layer;
    const Partition partition = layer.partition(plan.batch_size);
    if (partition == Partition::columns) {
      columns_stage(plan, layer).panels = static_cast<int>(network.tensor_strides()[network.nodes()[node].y] / kPanel);
    } else if (partition == Partition::samples) {
      if (layer.has_batch_statistics()) plan.stages.push_back({.kind = Stage::reduce_forward, .node = node});
      stage_of_kind(plan, Stage::samples);
    }
    Stage& stage = plan.stages.back();
    if (stage.forward_end == 0) stage.forward_begin = node;
    stage.forward_end = node + 1;
  }
  stage_of_kind(plan, Stage::samples).loss = true;
}

void plan_backward(const Network& network, Plan& plan) {
  for (int node = static_cast<int>(network.nodes().size()); node-- > plan.first_trainable;) {
    const Layer& layer = *network.nodes()[node].layer;
    const Partition partition = layer.partition(plan.batch_size);
    if (partition == Partition::columns) {
      // The gradient of the input of the first trainable layer is not needed.
      if (layer.reads_all_columns() && node == plan.first_trainable) break;
      columns_stage(plan, layer).panels = static_cast<int>(network.tensor_strides()[network.nodes()[node].x] / kPanel);
    } else if (partition == Partition::samples) {
      if (layer.has_batch_statistics()) plan.stages.push_back({.kind = Stage::reduce_backward, .node = node});
      if (layer.has_batch_statistics() && node == plan.first_trainable) break;
      stage_of_kind(plan, Stage::samples);
    }
    Stage& stage = plan.stages.back();
    if (stage.backward_end == 0) stage.backward_end = node + 1;
    stage.backward_begin = node;
  }
}

// Finds the tensors that several stages use, or a stage that is not divided by samples.
class StorageScan {
 public:
  explicit StorageScan(Plan& plan)
      : plan_(plan), values_stage_(plan.tensors.size(), kUnused), gradients_stage_(values_stage_) {}

  void use_values(int tensor, int stage) { use(plan_.tensors[tensor].batch_values, values_stage_[tensor], stage); }
  void use_gradients(int tensor, int stage) {
    use(plan_.tensors[tensor].batch_gradients, gradients_stage_[tensor], stage);
  }

 private:
  static constexpr int kUnused = -1;

  void use(bool& whole_batch, int& last_stage, int stage) {
    const bool by_samples = plan_.stages[stage].kind == Stage::samples;
    whole_batch = whole_batch || !by_samples || (last_stage != kUnused && last_stage != stage);
    last_stage = stage;
  }

  Plan& plan_;
  std::vector<int> values_stage_, gradients_stage_;  // the last stage that uses each tensor
};

void scan_stage(const Network& network, const Plan& plan, int index, StorageScan& scan) {
  const Stage& stage = plan.stages[index];
  for (int node = stage.forward_begin; node < stage.forward_end; ++node) {
    scan.use_values(network.nodes()[node].x, index);
    scan.use_values(network.nodes()[node].y, index);
  }
  if (stage.loss) {
    const int logits = static_cast<int>(plan.tensors.size()) - 1;
    scan.use_values(logits, index);
    scan.use_gradients(logits, index);
  }
  for (int node = stage.backward_begin; node < stage.backward_end; ++node) {
    const Network::Node& at = network.nodes()[node];
    scan.use_values(at.x, index);
    scan.use_values(at.y, index);
    scan.use_gradients(at.y, index);
    if (node > plan.first_trainable) scan.use_gradients(at.x, index);
  }
}

void plan_storage(const Network& network, Plan& plan) {
  plan.tensors.resize(network.tensor_strides().size());
  StorageScan scan(plan);
  scan.use_values(0, 0);  // the first stage gathers the images
  for (int stage = 0; stage < static_cast<int>(plan.stages.size()); ++stage) scan_stage(network, plan, stage, scan);
  for (const Network::Node& node : network.nodes()) {
    const bool reduces = node.layer->has_batch_statistics();
    if (reduces || node.layer->update_reads_x()) plan.tensors[node.x].batch_values = true;
    if (reduces || node.layer->update_reads_dy()) plan.tensors[node.y].batch_gradients = true;
  }
}

}  // namespace

Plan plan(const Network& network, int batch_size) {
  Plan plan = {.batch_size = batch_size,
               .chunk_size = choose_chunk_size(network, batch_size),
               .first_trainable = find_first_trainable(network),
               .stages = {Stage{}},
               .tensors = {}};
  plan_forward(network, plan);
  plan_backward(network, plan);
  plan_storage(network, plan);
  return plan;
}

}  // namespace optotype
