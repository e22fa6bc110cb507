#include "threads/pool.hpp"

#include <unistd.h>

#include <atomic>

#include "threads/thread_mode.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace optotype {

namespace {

// How often a waiting thread checks before it sleeps: some tens of microseconds, more than the time between two stages
// of a step and less than a time slice.
constexpr int kSpins = 2000;

void pause_cpu() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

void wait_while_equal(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
  for (int spin = 0; spin < kSpins; ++spin) {
    if (value.load(std::memory_order_acquire) != old) return;
    pause_cpu();
  }
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

struct Pool::Shared {
  Call call = nullptr;
  const void* task = nullptr;
  int tasks = 0;
  bool stop = false;
  alignas(64) std::atomic<std::uint32_t> round{0};  // a change starts a new round
  alignas(64) std::atomic<std::uint32_t> busy{0};   // workers that have not finished the round

  // A worker's own share of the tasks. Other workers take tasks from it when theirs are done.
  struct alignas(64) Share {
    std::atomic<int> next{0};
    int end = 0;
  };
  const int workers;
  const std::unique_ptr<Share[]> shares;

  explicit Shared(int threads) : workers(threads), shares(std::make_unique<Share[]>(threads)) {}

  void assign_shares() {
    for (int worker = 0; worker < workers; ++worker) {
      shares[worker].next.store(first_task(tasks, worker, workers), std::memory_order_relaxed);
      shares[worker].end = first_task(tasks, worker + 1, workers);
    }
  }

  void run_tasks(int worker) {
    for (int i = 0; i < workers; ++i) {
      Share& share = shares[(worker + i) % workers];
      // Reading first leaves the cache line of a finished share where it is.
      if (share.next.load(std::memory_order_relaxed) >= share.end) continue;
      for (int index; (index = share.next.fetch_add(1, std::memory_order_relaxed)) < share.end;)
        call(task, index, worker);
    }
  }

  void worker_loop(int worker, const Bf16Kernels* bf16) {
    const ThreadMode mode(bf16);
    for (std::uint32_t last_round = 0;; ++last_round) {
      wait_while_equal(round, last_round);
      if (stop) return;
      run_tasks(worker);
      if (busy.fetch_sub(1, std::memory_order_acq_rel) == 1) busy.notify_one();
    }
  }
};

Pool::Pool(int threads, const Bf16Kernels* bf16) : threads_(threads), bf16_(bf16), owner_(getpid()) { start_threads(); }

void Pool::start_threads() {
  shared_ = std::make_unique<Shared>(threads_);
  for (int worker = 1; worker < threads_; ++worker)
    workers_.emplace_back([shared = shared_.get(), worker, bf16 = bf16_] { shared->worker_loop(worker, bf16); });
}

Pool::~Pool() {
  if (getpid() != owner_) {  // in a forked child, the threads of the parent do not exist
    for (std::thread& worker : workers_) worker.detach();
    return;
  }
  shared_->stop = true;
  shared_->round.fetch_add(1, std::memory_order_release);
  shared_->round.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void Pool::restart_after_fork() {
  if (getpid() == owner_) return;
  for (std::thread& worker : workers_) worker.detach();
  workers_.clear();
  owner_ = getpid();
  start_threads();
}

void Pool::run_erased(int tasks, Call call, const void* task) {
  Shared& shared = *shared_;
  shared.call = call;
  shared.task = task;
  shared.tasks = tasks;
  shared.assign_shares();
  const bool only_caller = workers_.empty() || tasks <= 1;
  if (!only_caller) {
    shared.busy.store(static_cast<std::uint32_t>(workers_.size()), std::memory_order_relaxed);
    shared.round.fetch_add(1, std::memory_order_release);
    shared.round.notify_all();
  }
  shared.run_tasks(0);
  if (only_caller) return;
  for (std::uint32_t busy; (busy = shared.busy.load(std::memory_order_acquire)) != 0;)
    wait_while_equal(shared.busy, busy);
}

}  // namespace optotype
