// The floating-point mode and AMX tile configuration of a thread while it computes.
#pragma once

#include <cstdint>

namespace optotype {

struct Bf16Kernels;

// During its lifetime, its thread flushes denormal numbers to zero (in the state of an optimizer they would slow
// arithmetic down many times) and has AMX tiles configured if `bf16` is not null. Its destructor restores the previous
// floating-point mode and releases the tiles.
class ThreadMode {
 public:
  explicit ThreadMode(const Bf16Kernels* bf16);
  ~ThreadMode();
  ThreadMode(const ThreadMode&) = delete;
  ThreadMode& operator=(const ThreadMode&) = delete;

 private:
  std::uint64_t previous_mode_;
  const Bf16Kernels* bf16_;
};

}  // namespace optotype
