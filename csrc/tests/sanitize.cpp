// Trains and predicts with every layer and every augmentation, on every instruction set. Built with the address and
// undefined-behaviour sanitizers. Sizes are odd, so that every kernel handles incomplete registers and tiles. It also
// counts memory allocations: a step makes none.
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include "network/predictor.hpp"
#include "network/trainer.hpp"
#include "tests/optimizers.hpp"

namespace {

std::atomic<long> allocations{0};

}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  ++allocations;
  if (void* p = std::aligned_alloc(static_cast<std::size_t>(alignment), size)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

namespace {

using namespace optotype;

constexpr int kClasses = 5, kImages = 101, kBatch = 37;
constexpr Shape kInput = {11, 9, 2};

struct SilentReporter final : Reporter {
  bool report(std::int64_t) override { return true; }
};

using Layers = std::vector<LayerDescription>;

LayerDescription make_dense(int units, const char* activation = "linear") {
  return {"Dense", Settings({{"units", units}, {"activation", activation}})};
}

LayerDescription make_conv2d(int filters, int height, int width, const char* activation = "linear",
                             const char* padding = "valid") {
  return {"Conv2D", Settings({{"filters", filters},
                              {"kernel_size", std::pair<std::int64_t, std::int64_t>(height, width)},
                              {"activation", activation},
                              {"padding", padding}})};
}

LayerDescription make_max_pooling2d(int height, int width) {
  return {"MaxPooling2D", Settings({{"pool_size", std::pair<std::int64_t, std::int64_t>(height, width)}})};
}

LayerDescription make_flatten() { return {"Flatten", Settings({})}; }

LayerDescription make_dropout(double rate) { return {"Dropout", Settings({{"rate", rate}})}; }

LayerDescription make_batch_normalization(double momentum) {
  return {"BatchNormalization", Settings({{"momentum", momentum}, {"epsilon", 1e-3}})};
}

Layers convolutions() {
  return {make_conv2d(35, 3, 2, "relu"),
          make_max_pooling2d(2, 2),
          make_conv2d(18, 4, 3, "tanh", "same"),
          make_max_pooling2d(1, 2),
          make_conv2d(7, 2, 2),
          make_dropout(0.3),
          make_flatten(),
          make_dense(33, "sigmoid"),
          make_dense(kClasses)};
}

Layers normalized() {
  return {make_conv2d(34, 2, 3), make_batch_normalization(0.9),  make_max_pooling2d(3, 2),
          make_flatten(),        make_batch_normalization(0.99), make_dense(kClasses)};
}

Layers dense() {
  return {make_flatten(),         make_batch_normalization(0.99),
          make_dense(65, "relu"), make_dropout(0.5),
          make_dense(31),         make_dense(kClasses)};
}

// BatchNormalization and activations in layers whose columns are divided.
Layers columns() {
  return {make_batch_normalization(0.99),
          make_flatten(),
          make_dense(299, "sigmoid"),
          make_dropout(0.2),
          make_dense(301),
          make_batch_normalization(0.99),
          make_dense(290, "relu"),
          make_dense(kClasses)};
}

// Networks that end before the last layer, as when the outputs of an inner layer are computed.
Layers empty() { return {}; }

Layers pooled() { return {make_conv2d(35, 3, 2, "linear", "same"), make_max_pooling2d(2, 2)}; }

Layers dropped() { return {make_flatten(), make_batch_normalization(0.99), make_dropout(0.5)}; }

void write_weights(const Network& network) {
  int offset = 0;
  for (const Network::Node& node : network.nodes()) {
    for (int i = 0; i < node.layer->parameter_count(); ++i) {
      std::vector<float> values(node.layer->parameter_size(i));
      for (std::size_t k = 0; k < values.size(); ++k)
        values[k] = 0.1f * std::sin(static_cast<float>(k + offset)) + (i > 0);
      node.layer->write_parameter(i, values.data());
      node.layer->read_parameter(i, values.data());
    }
    ++offset;
  }
}

void check(bool condition, const char* claim, const Network& network) {
  if (condition) return;
  std::printf("failed: %s on %s\n", claim, network.kernels().name);
  std::exit(1);
}

Augmentation every_change(bool reflect) {
  return {.shift = 30,
          .cutout = 5,
          .flip = true,
          .reflect = reflect,
          .rotation = 180.0f,
          .scale = 0.99f,
          .brightness = 0.5f,
          .contrast = 0.5f,
          .elastic = 300.0f,
          .elastic_sigma = 1.3f};
}

std::vector<std::uint8_t> make_pixels() {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(kImages) * kInput.size());
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * 7919 >> 3);
  return pixels;
}

void predict(Network& network, Pool& pool, const Images& images) {
  SilentReporter silent;
  Predictor predictor(network, pool);
  std::vector<float> outputs(static_cast<std::size_t>(kImages) * network.output().size());
  std::vector<float> features(static_cast<std::size_t>(kImages) * network.features().size());
  for (float* requested : {static_cast<float*>(nullptr), features.data()})
    for (const bool bf16 : {false, network.bf16_kernels() != nullptr}) {
      const PredictionOutput output = {outputs.data(), requested};
      const std::int64_t done = predictor.predict(images, 1.0f / 255.0f, output, silent, bf16);
      check(done == kImages, "every image is predicted", network);
      for (float value : outputs) check(std::isfinite(value), "outputs are finite", network);
      for (float value : features) check(std::isfinite(value), "features are finite", network);
    }
}

void train_and_predict(const Layers& layers, const Kernels& kernels, int threads, const char* type) {
  Network network(kInput, layers, kernels, kernels.bf16 != nullptr);
  Pool pool(threads, network.bf16_kernels());
  const Optimizer optimizer = make_optimizer(
      type, Settings({{"momentum", 0.9}, {"rho", 0.99}, {"beta_1", 0.9}, {"beta_2", 0.99}, {"epsilon", 1e-7}}));
  std::optional<Augmentation> augmentation;
  if (optimizer.kind != OptimizerKind::sgd) augmentation = every_change(optimizer.kind == OptimizerKind::adam);
  Trainer trainer(network, pool, optimizer, kBatch, augmentation);
  write_weights(network);
  const std::vector<std::uint8_t> pixels = make_pixels();
  std::vector<std::int32_t> labels(kImages);
  std::vector<std::int64_t> order(kImages);
  for (int i = 0; i < kImages; ++i) labels[i] = i % kClasses, order[i] = (i * 37) % kImages;
  const std::vector<float> rates(3, 1e-3f);
  const Images images = {pixels.data(), nullptr, kImages};
  const Epoch epoch = {labels.data(), order.data(), kImages, rates.data(), 42};
  SilentReporter silent;
  const long before = allocations;
  const EpochTotals totals = trainer.train_epoch(images, 1.0f / 255.0f, epoch, silent);
  check(allocations == before, "a step allocates no memory", network);
  check(totals.finite && totals.images == kImages && totals.steps == 3, "an epoch trains on every image", network);
  predict(network, pool, images);
}

void predict_untrained(const Layers& layers, const Kernels& kernels, int threads) {
  Network network(kInput, layers, kernels, kernels.bf16 != nullptr);
  Pool pool(threads, network.bf16_kernels());
  const std::vector<std::uint8_t> pixels = make_pixels();
  predict(network, pool, {pixels.data(), nullptr, kImages});
}

}  // namespace

int main() {
  int count = 0, runs = 0;
  const Kernels* const* tables = available_kernels(&count);
  for (int isa = 0; isa < count; ++isa) {
    if (!check_optimizers(*tables[isa])) return 1;
    for (int threads : {1, 3}) {
      for (const Layers& layers : {empty(), pooled(), dropped()}) predict_untrained(layers, *tables[isa], threads);
      for (const char* optimizer : {"SGD", "RMSprop", "Adam"})
        for (const Layers& layers : {convolutions(), normalized(), dense(), columns()}) {
          train_and_predict(layers, *tables[isa], threads, optimizer);
          ++runs;
        }
    }
  }
  std::printf("%d networks trained on %d instruction sets\n", runs, count);
}
