// Training: the plan of a step with all its memory, and epochs of steps.
#pragma once

#include <optional>
#include <vector>

#include "network/augmentation.hpp"
#include "network/cross_entropy.hpp"
#include "network/images.hpp"
#include "network/optimizer.hpp"
#include "network/plan.hpp"
#include "network/reporter.hpp"
#include "tensor/buffer.hpp"
#include "threads/pool.hpp"

namespace optotype {

struct Epoch {
  const std::int32_t* labels;   // one for each image
  const std::int64_t* order;    // indices of the images to train on
  std::int64_t images;          // length of `order`
  const float* learning_rates;  // one for each step
  std::uint64_t key;            // of the random numbers of the epoch
};

struct EpochTotals {
  double loss = 0.0;  // sum over images
  std::int64_t correct = 0, images = 0, steps = 0;
  bool finite = true;
};

class Trainer {
 public:
  // Reserves all memory of training; afterwards a step allocates nothing. A network has one trainer at a time.
  Trainer(Network&, Pool&, const Optimizer&, int batch_size, const std::optional<Augmentation>& = {});

  int batch_size() const { return plan_.batch_size; }

  // Stops before the first step whose loss is not finite, and when the reporter asks for it.
  EpochTotals train_epoch(const Images&, float scale, const Epoch&, Reporter&);

 private:
  struct Tensor {
    Buffer values, gradients;
  };
  struct UpdateTask {
    int node, task;
  };
  struct Step;

  void reserve();
  void plan_updates();

  float* values(int tensor, const Chunk&) const;
  float* gradients(int tensor, const Chunk&) const;
  Batch whole_batch(const Network::Node&, const Step&) const;
  Chunk make_chunk(const Stage&, const Step&, int index, int worker) const;

  void gather_images(const Step&, const Chunk&);
  void run_forward(const Stage&, const Step&, Chunk);
  void run_loss(const Step&, Chunk&);
  void run_backward(const Stage&, const Step&, Chunk);
  void run_chunk(const Stage&, const Step&, Chunk);
  void run_stage(const Stage&, const Step&);
  void run_update(const Step&, float learning_rate);

  Network& network_;
  Pool& pool_;
  Optimizer optimizer_;
  Plan plan_;
  std::optional<Augmenter> augmenter_;
  std::vector<Tensor> tensors_;
  std::vector<UpdateTask> updates_;
  std::vector<LossSum> losses_;  // one for each chunk
  std::int64_t steps_ = 0;
};

}  // namespace optotype
