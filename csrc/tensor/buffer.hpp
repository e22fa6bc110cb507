// Aligned memory that is allocated once, before the first step, and initialized to zero.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace optotype {

struct FreeAligned {
  std::align_val_t alignment{};
  void operator()(float* p) const { ::operator delete(p, alignment); }
};

class Buffer {
 public:
  Buffer() = default;

  explicit Buffer(std::size_t floats) {
    // Kernels may read (not use) up to a panel's width beyond the end.
    constexpr std::size_t kSlack = 64, kHugePage = std::size_t{2} << 20;
    std::size_t bytes = (floats + kSlack) * sizeof(float);
    const std::size_t alignment = bytes >= kHugePage ? kHugePage : 64;
    bytes = (bytes + alignment - 1) / alignment * alignment;
    const std::align_val_t aligned{alignment};
    data_ = {static_cast<float*>(::operator new(bytes, aligned)), FreeAligned{aligned}};
#if defined(__linux__)
    if (alignment == kHugePage) madvise(data_.get(), bytes, MADV_HUGEPAGE);
#endif
    std::memset(data_.get(), 0, bytes);
  }

  float* data() const { return data_.get(); }

 private:
  std::unique_ptr<float, FreeAligned> data_;
};

}  // namespace optotype
