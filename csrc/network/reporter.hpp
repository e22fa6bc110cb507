// How work in progress is told, and stopped.
#pragma once

#include <chrono>
#include <cstdint>

namespace optotype {

// Told between steps how many images are done; answers whether to go on.
class Reporter {
 public:
  virtual ~Reporter() = default;
  virtual bool go_on(std::int64_t images_done) = 0;
};

// Asks the reporter at most twenty times a second.
class Patience {
 public:
  explicit Patience(Reporter& reporter) : reporter_(reporter) {}

  bool go_on(std::int64_t images_done) {
    const Clock::time_point now = Clock::now();
    if (now - last_ < std::chrono::milliseconds(50)) return true;
    last_ = now;
    return reporter_.go_on(images_done);
  }

 private:
  using Clock = std::chrono::steady_clock;
  Reporter& reporter_;
  Clock::time_point last_ = Clock::now();
};

}  // namespace optotype
