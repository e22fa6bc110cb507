// Prediction: chunks of images run forward through all layers, between two buffers for each worker.
#pragma once

#include "network/images.hpp"
#include "network/network.hpp"
#include "network/reporter.hpp"
#include "tensor/buffer.hpp"
#include "threads/pool.hpp"

namespace optotype {

// Where a prediction is written, as contiguous rows.
struct PredictionOutput {
  float* outputs;             // of the last layer
  float* features = nullptr;  // the input of the last layer; null if not needed
};

class Predictor {
 public:
  // Memory is reserved by the first prediction.
  Predictor(Network& network, Pool& pool) : network_(network), pool_(pool) {}

  // Writes a row of `output().size()`, and on request of `features().size()`, for each image. Returns how many images
  // are done. `bf16` requires a network with bfloat16 operands.
  std::int64_t predict(const Images&, float scale, const PredictionOutput&, Reporter&, bool bf16 = false);

 private:
  void reserve(bool bf16);
  void forward_single_chunk(Layer&, const Chunk&);
  void predict_chunk(const Images&, float scale, std::int64_t first, int samples, int worker, bool bf16,
                     const PredictionOutput&);

  Network& network_;
  Pool& pool_;
  Buffer buffers_[2];  // passed from layer to layer, a part for each worker
  std::ptrdiff_t stride_ = 0;
};

}  // namespace optotype
