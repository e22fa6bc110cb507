// The processor's limit, measured: the engine's matrix product in a plain loop, its operands in the cache, on every
// thread at once.
//
//     gemm_peak THREADS SECONDS
//
// prints GFLOP/s of all threads together, for each instruction set and precision, as one line of JSON. Each is the best
// of a few shapes; every shape runs for that many seconds.
#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "kernels/bf16.hpp"
#include "kernels/kernels.hpp"

namespace optotype {
namespace {

struct alignas(64) Line {
  std::uint32_t words[16];
};

// A and B hold ones, as floats or as pairs of bfloat16, so that no product is cheaper than another.
std::vector<Line> ones(std::size_t words, std::uint32_t one) {
  Line line;
  std::fill(std::begin(line.words), std::end(line.words), one);
  return std::vector<Line>(words / 16 + 2, line);
}

// Of a product with kPanel columns; in bfloat16 it has 32 rows, which is all that the tiles hold.
struct Shape {
  int rows, inner;
};

// One product again and again, with operands of its own.
class Work {
 public:
  Work(const Kernels& kernels, Shape shape)
      : kernels_(kernels),
        shape_(shape),
        a_(ones(std::size_t(shape.rows) * shape.inner, kernels.bf16 ? 0x3f803f80 : 0x3f800000)),
        b_(ones(std::size_t(kPanel) * shape.inner, kernels.bf16 ? 0x3f803f80 : 0x3f800000)),
        c_(ones(std::size_t(shape.rows) * kPanel, 0)),
        start_(ones(kPanel, 0)) {
    if (kernels.bf16) kernels.bf16->configure_tiles();
  }
  ~Work() {
    if (kernels_.bf16) kernels_.bf16->release_tiles();
  }
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  double flop() const { return 2.0 * shape_.rows * shape_.inner * kPanel; }

  void run() {
    if (kernels_.bf16)
      kernels_.bf16->multiply_block({.a = half(a_),
                                     .a_row = shape_.inner,
                                     .a_half = 16 * shape_.inner,
                                     .a_outer = 0,
                                     .b = half(b_),
                                     .c = floats(c_),
                                     .two_rows = true,
                                     .two_columns = true,
                                     .outer = 1,
                                     .steps = shape_.inner / 32,
                                     .add = false});
    else
      kernels_.gemm({.a = floats(a_),
                     .a_row = shape_.inner,
                     .a_outer = 0,
                     .a_inner = 1,
                     .b = floats(b_),
                     .b_row = kPanel,
                     .c = floats(c_),
                     .c_row = kPanel,
                     .rows = shape_.rows,
                     .columns = kPanel,
                     .outer = 1,
                     .inner = shape_.inner,
                     .start = floats(start_)});
  }

 private:
  static float* floats(std::vector<Line>& lines) { return reinterpret_cast<float*>(lines.data()); }
  static const Bf16* half(const std::vector<Line>& lines) { return reinterpret_cast<const Bf16*>(lines.data()); }

  const Kernels& kernels_;
  Shape shape_;
  std::vector<Line> a_, b_, c_, start_;
};

// GFLOP/s of this thread, from the moment when all threads are ready.
double rate(const Kernels& kernels, Shape shape, double seconds, std::barrier<>& ready) {
  Work work(kernels, shape);
  work.run();
  ready.arrive_and_wait();
  const auto began = std::chrono::steady_clock::now();
  double done = 0, passed = 0;
  while (passed < seconds) {
    for (int i = 0; i < 100; ++i) work.run();
    done += 100 * work.flop();
    passed = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  }
  return done / passed / 1e9;
}

double peak(const Kernels& kernels, int threads, double seconds) {
  const std::vector<Shape> shapes = kernels.bf16 ? std::vector<Shape>{{32, 256}, {32, 512}, {32, 1024}}
                                                 : std::vector<Shape>{{48, 128}, {96, 128}, {96, 256}, {192, 128}};
  double best = 0;
  for (const Shape shape : shapes) {
    std::barrier ready(threads);
    std::vector<double> rates(threads);
    std::vector<std::thread> workers;
    for (double& mine : rates)
      workers.emplace_back([&kernels, shape, seconds, &ready, &mine] { mine = rate(kernels, shape, seconds, ready); });
    for (std::thread& worker : workers) worker.join();
    double all = 0;
    for (const double each : rates) all += each;
    best = std::max(best, all);
  }
  return best;
}

}  // namespace
}  // namespace optotype

int main(int count, char** arguments) {
  if (count != 3) {
    std::fprintf(stderr, "gemm_peak got %d arguments, expected THREADS SECONDS.\n", count - 1);
    return 2;
  }
  const int threads = std::max(1, std::atoi(arguments[1]));
  const double seconds = std::atof(arguments[2]);
  int tables = 0;
  const optotype::Kernels* const* kernels = optotype::available_kernels(&tables);
  for (int i = 0; i < tables; ++i)
    std::printf("%s\"%s %s\": %.1f", i ? ", " : "{", kernels[i]->name, kernels[i]->bf16 ? "bf16" : "fp32",
                optotype::peak(*kernels[i], threads, seconds));
  std::puts("}");
}
