// The plan of a training step: its stages, and which tensors are stored for the whole batch.
//
// All tasks of a stage may run at the same time; between two stages is a barrier. A task takes some samples through as
// many layers as possible, or one panel of columns of all samples, as each layer prefers. If columns are divided, the
// thread that has a panel of weights in its cache since the last update is the one that reads it. The plan depends on
// the layers and the batch size, never on the number of threads.
#pragma once

#include <vector>

#include "network/network.hpp"

namespace optotype {

struct Stage {
  enum Kind { samples, columns, reduce_forward, reduce_backward } kind = samples;
  int panels = 0;                            // columns: number of tasks
  int forward_begin = 0, forward_end = 0;    // samples and columns: nodes to run forward,
  bool loss = false;                         // then the loss,
  int backward_begin = 0, backward_end = 0;  // then nodes to run backward, last first
  int node = 0;                              // reductions: the node with batch statistics
};

// Whether the values and the gradients of a tensor are stored for the whole batch, or only for each worker's chunk.
struct TensorStorage {
  bool batch_values = false, batch_gradients = false;
};

struct Plan {
  int batch_size, chunk_size;
  int first_trainable;  // the first node with weights
  std::vector<Stage> stages;
  std::vector<TensorStorage> tensors;

  int chunks(int samples) const { return (samples + chunk_size - 1) / chunk_size; }
};

Plan plan(const Network&, int batch_size);

}  // namespace optotype
