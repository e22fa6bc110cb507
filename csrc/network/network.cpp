// Building a network, and compiling it: how large a chunk is, which memory a step needs.
#include "network/network.hpp"

#include <algorithm>
#include <stdexcept>

namespace optotype {

namespace {

constexpr std::ptrdiff_t kChunkBytes = 4 << 20;  // what the values and gradients of a chunk may take
constexpr int kChunkUnit = 2, kChunkMost = 128;  // samples; products of bfloat16 pair them
constexpr int kChunkAlways = 32;                 // that a chunk may have, however large they are
constexpr int kChunkLeast = 16;                  // so that weights are read for more than a few samples
constexpr int kChunksLeast = 4;                  // so that a slower core can take fewer

}  // namespace

Network::Network(Shape input, const Kernels& kernels, int threads, bool bf16)
    : input_(input),
      shape_(input),
      kernels_(kernels),
      tiles_(bf16 ? kernels.bf16 : nullptr),
      pool_(threads, tiles_),
      tensors_(1) {
  tensors_[0].stride = input.stride();
}

int Network::add(std::unique_ptr<Layer> layer) {
  if (compiled() || prediction_stride_ > 0) throw std::logic_error("a network in use takes no more layers");
  const int x = static_cast<int>(tensors_.size()) - 1;
  shape_ = layer->output();
  if (!layer->in_place()) {
    tensors_.emplace_back();
    tensors_.back().stride = shape_.stride();
  }
  nodes_.push_back({std::move(layer), x, static_cast<int>(tensors_.size()) - 1});
  return static_cast<int>(nodes_.size()) - 1;
}

// The last layer has taken another one into itself.
int Network::absorbed() {
  if (shape_.size() != nodes_.back().layer->output().size()) shape_ = nodes_.back().layer->output();
  tensors_.back().stride = shape_.stride();
  return static_cast<int>(nodes_.size()) - 1;
}

int Network::add_dense(int units) {
  return add((tiles_ ? make_dense_bf16 : make_dense)(shape_, units, kernels_));
}
int Network::add_conv2d(int filters, int height, int width, bool same) {
  return add((tiles_ ? make_conv2d_bf16 : make_conv2d)(shape_, filters, height, width, same, kernels_));
}
int Network::add_max_pooling2d(int height, int width) {
  if (!nodes_.empty() && nodes_.back().layer->absorb_max_pooling(height, width)) return absorbed();
  return add(make_max_pooling2d(shape_, height, width, kernels_));
}
int Network::add_activation(Activation activation) {
  if (!nodes_.empty() && nodes_.back().layer->absorb_activation(activation)) return absorbed();
  return add(make_activation(shape_, activation, kernels_));
}
int Network::add_dropout(float rate) {
  return add(make_dropout(shape_, rate, static_cast<int>(nodes_.size()), kernels_));
}
int Network::add_batch_normalization(float momentum, float epsilon) {
  return add(make_batch_normalization(shape_, momentum, epsilon, kernels_));
}
int Network::add_flatten() {  // an image's numbers lie in the order of the flat ones already
  shape_ = {1, 1, shape_.size()};
  return -1;
}

// How many samples make a chunk: a function of the net and the batch, never of the threads.
int Network::chunk_for(int batch) const {
  std::ptrdiff_t sample = 0;
  for (const Tensor& tensor : tensors_) sample += 2 * tensor.stride * static_cast<std::ptrdiff_t>(sizeof(float));
  const int most = static_cast<int>(std::clamp<std::ptrdiff_t>(kChunkBytes / sample, kChunkAlways, kChunkMost));
  const int chunks = std::max((batch + most - 1) / most, kChunksLeast);
  const int even = std::max((batch + chunks - 1) / chunks, std::min(kChunkLeast, most));
  return static_cast<int>(round_up(static_cast<std::size_t>(even), kChunkUnit));
}

void Network::compile(const OptimizerSettings& optimizer, int batch, const std::optional<Augmentation>& augmentation) {
  const std::lock_guard lock(mutex_);
  augmenter_.reset();
  if (augmentation) augmenter_.emplace(input_, *augmentation, kernels_, pool_.threads());
  optimizer_ = optimizer;
  batch_ = batch;
  steps_ = 0;
  chunk_ = chunk_for(batch);
  lowest_ = 0;
  while (lowest_ < static_cast<int>(nodes_.size()) && !nodes_[lowest_].layer->trainable()) ++lowest_;
  plan_stages();
  reserve_training();
  plan_updates();
}

void Network::reserve_training() {
  const int chunks = (batch_ + chunk_ - 1) / chunk_;
  for (int node = 0; node < static_cast<int>(nodes_.size()); ++node)
    nodes_[node].layer->prepare({batch_, chunk_, chunks, pool_.threads(), node > lowest_, optimizer_.state()});
  packed_ = true;
  const std::ptrdiff_t own = static_cast<std::ptrdiff_t>(chunk_) * pool_.threads();
  for (Tensor& tensor : tensors_)
    for (Tensor::Place* place : {&tensor.values, &tensor.gradients})
      place->numbers = Buffer(tensor.stride * (place->whole ? batch_ : own));
  losses_.assign(chunks, {});
}

void Network::reserve_prediction(bool bf16) {
  if (bf16 && !packed_)
    for (const Node& at : nodes_) at.layer->prepare({kPredictionChunk, kPredictionChunk, 1, pool_.threads(), false, {}});
  packed_ |= bf16;
  if (prediction_stride_ > 0) return;
  for (const Node& node : nodes_) node.layer->prepare_prediction(pool_.threads());
  for (const Tensor& tensor : tensors_) prediction_stride_ = std::max(prediction_stride_, tensor.stride);
  for (Buffer& buffer : predictions_) buffer = Buffer(prediction_stride_ * kPredictionChunk * pool_.threads());
}

}  // namespace optotype
