#include "threads/thread_mode.hpp"

#include "kernels/bf16.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace optotype {

namespace {

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

ThreadMode::ThreadMode(const Bf16Kernels* bf16) : previous_mode_(read_mode()), bf16_(bf16) {
  write_mode(previous_mode_ | kFlush);
  if (bf16_) bf16_->configure_tiles();
}

ThreadMode::~ThreadMode() {
  if (bf16_) bf16_->release_tiles();
  write_mode(previous_mode_);
}

}  // namespace optotype
