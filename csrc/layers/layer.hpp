// The interface of all layers: forward and backward for a chunk of the batch, then the update of the layer's own
// weights over the whole batch.
//
// A step has two phases. In the first phase, chunks of the batch run through the layers, forward and backward, each on
// one thread (network/plan.hpp). In the second phase, one thread visits each block of weights, sums its gradient over
// the batch in a fixed order and applies the optimizer. Layers that need the whole batch at once (batch normalization)
// also reduce over it between chunks.
#pragma once

#include <cstdint>

#include "tensor/shape.hpp"

namespace optotype {

constexpr int kAllPanels = -1;
constexpr int kPredictionChunk = 32;  // samples that prediction takes through the layers together

// A chunk of the batch as a layer sees it: some samples, or one panel of columns of all samples. Row i of x is sample
// `first + i`; rows are Shape::stride() apart and begin at column 0.
struct Chunk {
  int index;       // of the chunk in the batch
  int first;       // its first sample
  int samples;     // number of its samples
  int batch_size;  // number of samples in the batch
  int worker;      // the owner of the scratch memory to use
  bool training;
  bool bf16;          // whether products have bfloat16 operands, in layers that support it
  std::uint64_t key;  // of the random numbers of this step
  const float* x;
  float* y;
  const float* dy;
  float* dx;               // null if the gradient of x is not needed
  int panel = kAllPanels;  // forward: of y; backward: of x

  // Its first column, and its number of columns, in rows of this stride.
  std::ptrdiff_t column() const { return panel == kAllPanels ? 0 : static_cast<std::ptrdiff_t>(panel) * kPanel; }
  int columns(std::ptrdiff_t stride) const { return panel == kAllPanels ? static_cast<int>(stride) : kPanel; }
};

// How the work of a layer on a batch is divided among threads.
enum class Partition { samples, columns, any };

// The whole batch as the update of a layer's weights sees it.
struct Batch {
  int samples;
  int chunks;
  const float* x;
  const float* dy;
};

// The sizes that determine how much memory training needs.
struct TrainingSize {
  int batch_size, chunk_size, chunks, workers;
  bool needs_input_gradient;  // whether some layer before has weights
  OptimizerState optimizer_state;
};

struct LayerDescription;

class Layer {
 public:
  virtual ~Layer() = default;

  Shape input() const { return input_; }
  Shape output() const { return output_; }

  virtual void forward(const Chunk&) = 0;
  virtual void backward(const Chunk&) = 0;

  // Called on the layer that reads x, or dy, when a chunk of it is complete and still in the cache of the calling
  // thread.
  virtual void on_input_ready(const Chunk&) {}
  virtual void on_output_gradient_ready(const Chunk&) {}

  virtual Partition partition(int /*batch_size*/) const { return Partition::samples; }
  virtual bool reads_all_columns() const { return false; }  // every column of y depends on all columns of x
  virtual bool is_in_place() const { return false; }        // y overwrites x
  virtual bool update_reads_x() const { return false; }
  virtual bool update_reads_dy() const { return false; }
  virtual bool has_batch_statistics() const { return false; }
  virtual bool is_trainable() const { return false; }

  virtual void reserve_training(const TrainingSize&) {}
  virtual void reserve_prediction(int /*workers*/) {}

  virtual int tasks() const { return 0; }  // blocks of weights, or of statistics
  virtual void reduce_forward(int /*task*/, const Batch&) {}
  virtual void reduce_backward(int /*task*/, const Batch&) {}
  virtual void update(int /*task*/, const Batch&, const Update&) {}

  // Fuses the next layer into this one if possible, which saves a pass over memory. This layer's output is then that of
  // the next layer.
  virtual bool try_fuse_activation(Activation) { return false; }
  virtual bool try_fuse(const LayerDescription& /*next*/) { return false; }

  // Parameters in the order and layout of Keras.
  virtual int parameter_count() const { return 0; }
  virtual std::size_t parameter_size(int) const { return 0; }
  virtual void read_parameter(int, float*) const {}
  virtual void write_parameter(int, const float*) {}

 protected:
  Layer(Shape input, Shape output, const Kernels& kernels) : kernels_(kernels), input_(input), output_(output) {}

  void set_output(Shape output) { output_ = output; }

  const Kernels& kernels_;

 private:
  Shape input_, output_;
};

}  // namespace optotype
