// Memory that is asked for once, before the first step, and is zero until written.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace optotype {

class Buffer {
 public:
  Buffer() = default;

  explicit Buffer(std::size_t floats) {
    // A kernel may read, though never use, a panel's width beyond the end.
    constexpr std::size_t kSlack = 64, kHugePage = std::size_t{2} << 20;
    std::size_t bytes = (floats + kSlack) * sizeof(float);
    const std::size_t alignment = bytes >= kHugePage ? kHugePage : 64;
    bytes = (bytes + alignment - 1) / alignment * alignment;
    data_.reset(static_cast<float*>(std::aligned_alloc(alignment, bytes)));
    if (!data_) throw std::bad_alloc();
#if defined(__linux__)
    if (alignment == kHugePage) madvise(data_.get(), bytes, MADV_HUGEPAGE);
#endif
    std::memset(data_.get(), 0, bytes);
  }

  float* data() const { return data_.get(); }

 private:
  struct Free {
    void operator()(float* p) const { std::free(p); }
  };
  std::unique_ptr<float, Free> data_;
};

}  // namespace optotype
