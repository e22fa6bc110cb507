// What every layer can do: forward and backward for a chunk of the batch, then its own weights over the whole batch.
//
// A step has two phases. In the first, chunks of the batch run through the layers, forward and backward, each on one
// thread (network/plan.cpp). In the second, every block of weights is visited by one thread, which sums its gradient
// over the batch in one order and lets the optimizer change it. Layers that need the whole batch at once (batch
// normalization) also reduce over it between chunks.
#pragma once

#include <cstdint>
#include <memory>

#include "network/shape.hpp"

namespace optotype {

constexpr int kAllPanels = -1;
constexpr int kPredictionChunk = 32;  // samples that prediction takes through the layers together

// A chunk of the batch as a layer sees it: some samples, or one panel of columns of all samples. Row i of x is sample
// `first + i`; rows lie Shape::stride() apart and begin at column 0.
struct Chunk {
  int index;    // which chunk of the batch
  int first;    // its first sample
  int samples;  // how many it has
  int batch;    // how many the batch has
  int worker;   // whose scratch memory may be used
  bool training;
  bool bf16;  // whether layers that have products of bfloat16 use them
  std::uint64_t key;  // of this step's random numbers
  const float* x;
  float* y;
  const float* dy;
  float* dx;  // null where nobody needs the gradient of x
  int panel = kAllPanels;  // forward of y, backward of x

  // Its columns in rows of this length.
  std::ptrdiff_t column() const { return panel == kAllPanels ? 0 : static_cast<std::ptrdiff_t>(panel) * kPanel; }
  int columns(std::ptrdiff_t stride) const { return panel == kAllPanels ? static_cast<int>(stride) : kPanel; }
};

// How a layer would have the batch divided.
enum class Division { samples, columns, any };

// The whole batch as a layer's weights see it.
struct Batch {
  int samples;
  int chunks;
  const float* x;
  const float* dy;
};

// How large a training's steps can be.
struct Limits {
  int batch, chunk, chunks, workers;
  bool input_gradient;  // whether some layer below has weights
  OptimizerState state;
};

class Layer {
 public:
  virtual ~Layer() = default;

  Shape input() const { return input_; }
  Shape output() const { return output_; }

  virtual void forward(const Chunk&) = 0;
  virtual void backward(const Chunk&) = 0;

  // A complete chunk of x, or of dy, is told to the layer that will read it while it is still in the cache.
  virtual void take_x(const Chunk&) {}
  virtual void take_dy(const Chunk&) {}

  virtual Division division(int /*batch*/) const { return Division::samples; }
  virtual bool mixes_columns() const { return false; }     // every column of y depends on all of x
  virtual bool in_place() const { return false; }          // y overwrites x
  virtual bool update_reads_x() const { return false; }
  virtual bool update_reads_dy() const { return false; }
  virtual bool reduces() const { return false; }           // has statistics over the batch
  virtual bool trainable() const { return false; }

  virtual void prepare(const Limits&) {}  // reserves all memory that training needs
  virtual void prepare_prediction(int /*workers*/) {}  // likewise what prediction needs
  virtual int tasks() const { return 0; }  // blocks of weights, or of statistics
  virtual void reduce_forward(int, const Batch&) {}
  virtual void reduce_backward(int, const Batch&) {}
  virtual void update(int, const Batch&, const Update&) {}

  // A layer may take the one that follows into itself, which saves a pass over memory: its output is then that one's.
  virtual bool absorb_activation(Activation) { return false; }
  virtual bool absorb_max_pooling(int /*height*/, int /*width*/) { return false; }

  // Parameters in Keras's order and layout.
  virtual int parameters() const { return 0; }
  virtual std::size_t parameter_size(int) const { return 0; }
  virtual void read_parameter(int, float*) const {}
  virtual void write_parameter(int, const float*) {}

 protected:
  Layer(Shape input, Shape output, const Kernels& kernels) : kernels_(kernels), input_(input), output_(output) {}

  void change_output(Shape output) { output_ = output; }

  const Kernels& kernels_;

 private:
  Shape input_, output_;
};

std::unique_ptr<Layer> make_dense(Shape input, int units, const Kernels&);
std::unique_ptr<Layer> make_dense_bf16(Shape input, int units, const Kernels&);  // where kernels.bf16 exists
std::unique_ptr<Layer> make_conv2d(Shape input, int filters, int height, int width, bool same, const Kernels&);
std::unique_ptr<Layer> make_conv2d_bf16(Shape input, int filters, int height, int width, bool same, const Kernels&);
std::unique_ptr<Layer> make_max_pooling2d(Shape input, int height, int width, const Kernels&);
std::unique_ptr<Layer> make_activation(Shape input, Activation, const Kernels&);
std::unique_ptr<Layer> make_dropout(Shape input, float rate, int place, const Kernels&);
std::unique_ptr<Layer> make_batch_normalization(Shape input, float momentum, float epsilon, const Kernels&);

}  // namespace optotype
