// Trains and predicts with every kind of layer, and on images changed in every way, on every instruction set, to be built with address and
// undefined-behaviour sanitizers. Sizes are odd, so that every kernel meets its edges. It also counts memory requests:
// a step makes none.
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include "network/network.hpp"
#include "network/reporter.hpp"
#include "tests/optimizers.hpp"

namespace {

std::atomic<long> requests{0};

}  // namespace

void* operator new(std::size_t size) {
  ++requests;
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  ++requests;
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

struct Silent final : Reporter {
  bool go_on(std::int64_t) override { return true; }
};

// Each builds a net and returns the place of its last layer.
int convolutions(Network& net) {
  net.add_conv2d(35, 3, 2);
  net.add_activation(Activation::relu);
  net.add_max_pooling2d(2, 2);
  net.add_conv2d(18, 4, 3, true);
  net.add_activation(Activation::tanh);
  net.add_max_pooling2d(1, 2);
  net.add_conv2d(7, 2, 2);
  net.add_dropout(0.3f);
  net.add_flatten();
  net.add_dense(33);
  net.add_activation(Activation::sigmoid);
  return net.add_dense(kClasses);
}

int normalized(Network& net) {
  net.add_conv2d(34, 2, 3);
  net.add_batch_normalization(0.9f, 1e-3f);
  net.add_max_pooling2d(3, 2);
  net.add_flatten();
  net.add_batch_normalization(0.99f, 1e-3f);
  return net.add_dense(kClasses);
}

int dense(Network& net) {
  net.add_flatten();
  net.add_batch_normalization(0.99f, 1e-3f);
  net.add_dense(65);
  net.add_activation(Activation::relu);
  net.add_dropout(0.5f);
  net.add_dense(31);
  return net.add_dense(kClasses);
}

int columns(Network& net) {
  net.add_batch_normalization(0.99f, 1e-3f);
  net.add_flatten();
  net.add_dense(299);
  net.add_activation(Activation::sigmoid);
  net.add_dropout(0.2f);
  net.add_dense(301);
  net.add_batch_normalization(0.99f, 1e-3f);
  net.add_activation(Activation::relu);
  return net.add_dense(kClasses);
}

void spread_weights(const Network& net, int last) {
  for (int place = 0; place <= last; ++place)
    for (int i = 0; i < net.layer(place).parameters(); ++i) {
      std::vector<float> values(net.layer(place).parameter_size(i));
      for (std::size_t k = 0; k < values.size(); ++k) values[k] = 0.1f * std::sin(static_cast<float>(k + place)) + (i > 0);
      net.layer(place).write_parameter(i, values.data());
      net.layer(place).read_parameter(i, values.data());
    }
}

void check(bool condition, const char* what, const Network& net) {
  if (condition) return;
  std::printf("failed: %s on %s\n", what, net.kernels().name);
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

std::vector<std::uint8_t> some_pixels() {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(kImages) * kInput.size());
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * 7919 >> 3);
  return pixels;
}

void predict(Network& net, const Images& images) {
  Silent silent;
  std::vector<float> outputs(static_cast<std::size_t>(kImages) * net.output().size());
  std::vector<float> features(static_cast<std::size_t>(kImages) * net.features().size());
  for (float* asked : {static_cast<float*>(nullptr), features.data()})
    for (const bool bf16 : {false, net.kernels().bf16 != nullptr}) {
      const Answers answers = {outputs.data(), asked};
      check(net.predict(images, 1.0f / 255.0f, answers, silent, bf16) == kImages, "every image is predicted", net);
      for (float number : outputs) check(std::isfinite(number), "outputs are numbers", net);
      for (float number : features) check(std::isfinite(number), "features are numbers", net);
    }
}

void exercise(int (*build)(Network&), const Kernels& kernels, int threads, OptimizerKind kind) {
  Network net(kInput, kernels, threads, kernels.bf16 != nullptr);
  const int last = build(net);
  if (kind == OptimizerKind::sgd)
    net.compile({kind, 0.9f, 0.99f, 1e-7f}, kBatch);
  else
    net.compile({kind, 0.9f, 0.99f, 1e-7f}, kBatch, every_change(kind == OptimizerKind::adam));
  spread_weights(net, last);
  const std::vector<std::uint8_t> pixels = some_pixels();
  std::vector<std::int32_t> labels(kImages);
  std::vector<std::int64_t> order(kImages);
  for (int i = 0; i < kImages; ++i) labels[i] = i % kClasses, order[i] = (i * 37) % kImages;
  const std::vector<float> rates(3, 1e-3f);
  const Images images = {pixels.data(), nullptr, kImages};
  const Epoch epoch = {labels.data(), order.data(), kImages, rates.data(), 42};
  Silent silent;
  const long before = requests;
  const EpochTotals totals = net.train_epoch(images, 1.0f / 255.0f, epoch, silent);
  check(requests == before, "a step asks for no memory", net);
  check(totals.finite && totals.images == kImages && totals.steps == 3, "an epoch trains on every image", net);
  predict(net, images);
}

// Nets that end before the head: what an inner layer gives is the answer of such a net.
void observe(const Kernels& kernels, int threads) {
  const auto started = [&] { return std::make_unique<Network>(kInput, kernels, threads, kernels.bf16 != nullptr); };
  const std::vector<std::uint8_t> pixels = some_pixels();
  const Images images = {pixels.data(), nullptr, kImages};
  auto net = started();
  predict(*net, images);
  net = started();
  net->add_conv2d(35, 3, 2, true);
  net->add_max_pooling2d(2, 2);
  predict(*net, images);
  net = started();
  net->add_flatten();
  net->add_batch_normalization(0.99f, 1e-3f);
  net->add_dropout(0.5f);
  predict(*net, images);
}

}  // namespace

int main() {
  int count = 0, runs = 0;
  const Kernels* const* tables = available_kernels(&count);
  for (int isa = 0; isa < count; ++isa) {
    if (!check_optimizers(*tables[isa])) return 1;
    for (int threads : {1, 3}) {
      observe(*tables[isa], threads);
      for (OptimizerKind kind : {OptimizerKind::sgd, OptimizerKind::rmsprop, OptimizerKind::adam}) {
        exercise(convolutions, *tables[isa], threads, kind);
        exercise(normalized, *tables[isa], threads, kind);
        exercise(dense, *tables[isa], threads, kind);
        exercise(columns, *tables[isa], threads, kind);
        runs += 4;
      }
    }
  }
  std::printf("%d nets trained on %d instruction sets\n", runs, count);
}
