// A list of layers, compiled once into a plan with all its memory, then trained an epoch at a time.
#pragma once

#include <mutex>
#include <optional>
#include <vector>

#include "layers/layer.hpp"
#include "threads/pool.hpp"
#include "network/augmentation.hpp"
#include "network/buffer.hpp"
#include "network/cross_entropy.hpp"
#include "network/images.hpp"

namespace optotype {

struct OptimizerSettings {
  OptimizerKind kind;
  float first_decay, second_decay, epsilon;

  OptimizerState state() const {
    return {kind == OptimizerKind::adam || (kind == OptimizerKind::sgd && first_decay != 0.0f), kind != OptimizerKind::sgd};
  }
};

struct Epoch {
  const std::int32_t* labels;   // one for each image
  const std::int64_t* order;    // which images, in this order
  std::int64_t images;          // how many of them
  const float* learning_rates;  // one for each step
  std::uint64_t key;            // of the epoch's random numbers
};

struct EpochTotals {
  double loss = 0.0;  // summed over images
  std::int64_t correct = 0, images = 0, steps = 0;
  bool finite = true;
};

// Where a prediction is written, rows without gaps.
struct Answers {
  float* outputs;             // of the last layer
  float* features = nullptr;  // what that layer read; null where nobody asks
};

class Reporter;

class Network {
 public:
  // In training with `bf16`, products have bfloat16 operands; the kernels must have them.
  Network(Shape input, const Kernels& kernels, int threads, bool bf16 = false);

  // Building: each returns the layer's place, for its parameters.
  int add_dense(int units);
  int add_conv2d(int filters, int height, int width, bool same = false);
  int add_max_pooling2d(int height, int width);
  int add_flatten();
  int add_activation(Activation);
  int add_dropout(float rate);
  int add_batch_normalization(float momentum, float epsilon);

  Shape input() const { return input_; }
  Shape output() const { return shape_; }
  Shape features() const { return nodes_.empty() ? input_ : nodes_.back().layer->input(); }  // what the last layer reads
  int threads() const { return pool_.threads(); }
  const Kernels& kernels() const { return kernels_; }
  Layer& layer(int place) const { return *nodes_.at(static_cast<std::size_t>(place)).layer; }

  // Reserves everything a training needs and resets the optimizer. No layer can be added afterwards. Training images
  // are augmented if asked; those of a prediction never are.
  void compile(const OptimizerSettings&, int batch, const std::optional<Augmentation>& = {});
  bool compiled() const { return batch_ > 0; }
  int batch() const { return batch_; }

  EpochTotals train_epoch(const Images&, float scale, const Epoch&, Reporter&);

  // Writes a row of `output().size()`, and of `features().size()` if asked, for each image. Returns how many images were
  // done. `bf16` needs a network that was made for it.
  std::int64_t predict(const Images&, float scale, const Answers&, Reporter&, bool bf16 = false);

 private:
  // Each layer reads tensor x and writes tensor y; tensor 0 is the input. In place, both are the same.
  struct Node {
    std::unique_ptr<Layer> layer;
    int x, y;
  };
  // The values and the gradients of one place between layers, for the whole batch or for each worker's chunk.
  struct Tensor {
    std::ptrdiff_t stride = 0;
    struct Place {
      bool whole = false;
      int stage = -1;  // the last that touches it
      Buffer numbers;
    };
    Place values = {}, gradients = {};
  };
  // A part of a step in which all tasks may run at once.
  struct Stage {
    enum Kind { samples, columns, reduce_forward, reduce_backward } kind = samples;
    int panels = 0;                            // columns: how many tasks
    int forward_begin = 0, forward_end = 0;    // samples and columns: layers to run forward,
    bool loss = false;                         // then the loss,
    int backward_begin = 0, backward_end = 0;  // then layers to run backward, last first
    int node = 0;                              // reductions: whose
  };
  struct StepContext;

  int add(std::unique_ptr<Layer> layer);
  int absorbed();
  int chunk_for(int batch) const;
  void plan_stages();
  Stage& stage_by(Stage::Kind);
  void plan_forward();
  void plan_backward();
  void plan_memory();
  void plan_updates();
  void reserve_training();
  void reserve_prediction(bool bf16);

  float* place(const Tensor::Place&, std::ptrdiff_t stride, const Chunk&) const;
  float* values(int tensor, const Chunk&) const;
  float* gradients(int tensor, const Chunk&) const;
  Batch whole(const Node&, const StepContext&) const;
  void gather(const StepContext&, const Chunk&);
  Chunk chunk_of(const Stage&, const StepContext&, int index, int worker) const;
  void run_chunk(const Stage&, const StepContext&, Chunk);
  void run_forward(const Stage&, const StepContext&, Chunk);
  void run_backward(const Stage&, const StepContext&, Chunk);
  void run_stage(const Stage&, const StepContext&);
  void run_update(const StepContext&, float learning_rate);
  void forward_alone(Layer&, const Chunk&);
  void predict_chunk(const Images&, float scale, std::int64_t first, int samples, int worker, bool bf16,
                     const Answers&);
  static void copy_rows(Shape, const float* from, int samples, std::int64_t first, float* to);

  Shape input_, shape_;
  const Kernels& kernels_;
  const Bf16Kernels* tiles_;  // null in single precision
  Pool pool_;
  std::mutex mutex_;
  std::vector<Node> nodes_;
  std::vector<Tensor> tensors_;

  OptimizerSettings optimizer_ = {};
  std::optional<Augmenter> augmenter_;
  int batch_ = 0, chunk_ = 0, lowest_ = 0;  // `lowest_`: the first layer with weights
  std::int64_t steps_ = 0;
  std::vector<Stage> stages_;
  struct Task {
    int node, task;
  };
  std::vector<Task> updates_;
  std::vector<LossSum> losses_;  // one for each chunk

  Buffer predictions_[2];  // what prediction passes from layer to layer, for each worker
  std::ptrdiff_t prediction_stride_ = 0;
  bool packed_ = false;  // whether the layers have what products of bfloat16 need
};

}  // namespace optotype
