// Threads that wait for work and deal its tasks out among themselves.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace optotype {

struct Bf16Kernels;

// While it lives, its thread computes as the engine needs it: denormal numbers are flushed to zero, since in an
// optimizer's state they would make its arithmetic many times slower, and the tiles are set up, where there are any.
// Then the caller's floating-point mode is restored.
class ThreadMode {
 public:
  explicit ThreadMode(const Bf16Kernels* tiles);
  ~ThreadMode();
  ThreadMode(const ThreadMode&) = delete;
  ThreadMode& operator=(const ThreadMode&) = delete;

 private:
  std::uint64_t before_;
  const Bf16Kernels* tiles_;
};

// `run` calls a task for every index, on all threads, and returns when all are done. Each thread has
// its share of the tasks and then helps with the others', so tasks must not depend on who takes them; each is told its worker's number, for scratch memory.
// One caller at a time. After a fork the child's pool starts threads of its own at its next `revive`.
class Pool {
 public:
  // `tiles` is null where the work needs none.
  Pool(int threads, const Bf16Kernels* tiles);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int threads() const { return threads_; }

  // A worker's tasks begin here and end where the next one's begin. They are the same for the same number of tasks, so
  // that a worker meets what it left in its cache the time before.
  static int share(int tasks, int worker, int workers) { return tasks * worker / workers; }

  // To be called once before a series of `run`: restarts the threads if this process is a fork of their own.
  void revive();

  template <class Task>  // void(int index, int worker)
  void run(int tasks, const Task& task) {
    start(tasks, [](const void* self, int index, int worker) { (*static_cast<const Task*>(self))(index, worker); },
          &task);
  }

 private:
  using Call = void (*)(const void* task, int index, int worker);
  struct Shared;

  void launch();
  void start(int tasks, Call call, const void* task);

  int threads_;
  const Bf16Kernels* tiles_;
  pid_t owner_;
  std::unique_ptr<Shared> shared_;
  std::vector<std::thread> workers_;
};

}  // namespace optotype
