#include "threads/pool.hpp"

#include "kernels/bf16.hpp"

#include <unistd.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace optotype {

namespace {

// How often a waiting thread looks before it sleeps: some tens of microseconds, more than the time between two
// stages of a step and less than a time slice.
constexpr int kSpins = 2000;

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

void wait_while(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
  for (int spin = 0; spin < kSpins; ++spin) {
    if (value.load(std::memory_order_acquire) != old) return;
    relax();
  }
  value.wait(old, std::memory_order_acquire);
}

#if defined(__x86_64__)
constexpr std::uint64_t kFlush = 0x8040;  // flush-to-zero and denormals-are-zero in MXCSR
std::uint64_t read_mode() { return _mm_getcsr(); }
void write_mode(std::uint64_t mode) { _mm_setcsr(static_cast<unsigned>(mode)); }
#elif defined(__aarch64__)
constexpr std::uint64_t kFlush = 1u << 24;  // FZ in FPCR
std::uint64_t read_mode() {
  std::uint64_t mode;
  asm volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
void write_mode(std::uint64_t mode) { asm volatile("msr fpcr, %0" : : "r"(mode)); }
#else
constexpr std::uint64_t kFlush = 0;
std::uint64_t read_mode() { return 0; }
void write_mode(std::uint64_t) {}
#endif

}  // namespace

ThreadMode::ThreadMode(const Bf16Kernels* tiles) : before_(read_mode()), tiles_(tiles) {
  write_mode(before_ | kFlush);
  if (tiles_) tiles_->enter_thread();
}

ThreadMode::~ThreadMode() {
  if (tiles_) tiles_->leave_thread();
  write_mode(before_);
}

struct Pool::Shared {
  Call call = nullptr;
  const void* task = nullptr;
  int tasks = 0;
  bool stop = false;
  alignas(64) std::atomic<std::uint32_t> round{0};  // a new one begins when it changes
  alignas(64) std::atomic<std::uint32_t> busy{0};   // workers that are not back yet

  // A worker's own share of the tasks, which it begins with; the others help when theirs are done.
  struct alignas(64) Share {
    std::atomic<int> next{0};
    int end = 0;
  };
  const int workers;
  const std::unique_ptr<Share[]> shares;

  explicit Shared(int threads) : workers(threads), shares(std::make_unique<Share[]>(threads)) {}

  void deal() {
    for (int worker = 0; worker < workers; ++worker) {
      shares[worker].next.store(share(tasks, worker, workers), std::memory_order_relaxed);
      shares[worker].end = share(tasks, worker + 1, workers);
    }
  }

  void work(int worker) {
    for (int i = 0; i < workers; ++i) {
      Share& share = shares[(worker + i) % workers];
      if (share.next.load(std::memory_order_relaxed) >= share.end) continue;  // leaves the line where it is
      for (int index; (index = share.next.fetch_add(1, std::memory_order_relaxed)) < share.end;)
        call(task, index, worker);
    }
  }

  void serve(int worker, const Bf16Kernels* tiles) {
    const ThreadMode mode(tiles);
    for (std::uint32_t seen = 0;; ++seen) {
      wait_while(round, seen);
      if (stop) return;
      work(worker);
      if (busy.fetch_sub(1, std::memory_order_acq_rel) == 1) busy.notify_one();
    }
  }
};

Pool::Pool(int threads, const Bf16Kernels* tiles) : threads_(threads), tiles_(tiles), owner_(getpid()) { launch(); }

void Pool::launch() {
  shared_ = std::make_unique<Shared>(threads_);
  for (int worker = 1; worker < threads_; ++worker)
    workers_.emplace_back([shared = shared_.get(), worker, tiles = tiles_] { shared->serve(worker, tiles); });
}

Pool::~Pool() {
  if (getpid() != owner_) {  // a fork's copy: the threads it names never existed here
    for (std::thread& worker : workers_) worker.detach();
    return;
  }
  shared_->stop = true;
  shared_->round.fetch_add(1, std::memory_order_release);
  shared_->round.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void Pool::revive() {
  if (getpid() == owner_) return;
  for (std::thread& worker : workers_) worker.detach();
  workers_.clear();
  owner_ = getpid();
  launch();
}

void Pool::start(int tasks, Call call, const void* task) {
  Shared& shared = *shared_;
  shared.call = call;
  shared.task = task;
  shared.tasks = tasks;
  shared.deal();
  const bool alone = workers_.empty() || tasks <= 1;
  if (!alone) {
    shared.busy.store(static_cast<std::uint32_t>(workers_.size()), std::memory_order_relaxed);
    shared.round.fetch_add(1, std::memory_order_release);
    shared.round.notify_all();
  }
  shared.work(0);
  if (alone) return;
  for (std::uint32_t left; (left = shared.busy.load(std::memory_order_acquire)) != 0;) wait_while(shared.busy, left);
}

}  // namespace optotype
