// A thread pool with static work shares and work stealing.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace optotype {

struct Bf16Kernels;

// `run` calls a task for every index, on all threads, and returns when all tasks are done. Each thread begins with its
// own share of the tasks and then helps the others, so a task must not depend on which thread runs it. A task receives
// the index of its worker, for scratch memory. Only one thread may call `run` at a time.
class Pool {
 public:
  // `bf16` is null if the work does not use AMX tiles.
  Pool(int threads, const Bf16Kernels* bf16);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int threads() const { return threads_; }

  // The first task of a worker's share; the share ends at the first task of the next worker. The same number of tasks
  // always has the same shares, so that a worker finds its data of the previous step in its cache.
  static int first_task(int tasks, int worker, int workers) { return tasks * worker / workers; }

  // Must be called before a series of `run`: in a forked child process, the pool starts its own threads.
  void restart_after_fork();

  template <class Task>  // void(int index, int worker)
  void run(int tasks, const Task& task) {
    run_erased(
        tasks, [](const void* self, int index, int worker) { (*static_cast<const Task*>(self))(index, worker); },
        &task);
  }

 private:
  using Call = void (*)(const void* task, int index, int worker);
  struct Shared;

  void start_threads();
  void run_erased(int tasks, Call call, const void* task);

  int threads_;
  const Bf16Kernels* bf16_;
  pid_t owner_;
  std::unique_ptr<Shared> shared_;
  std::vector<std::thread> workers_;
};

}  // namespace optotype
