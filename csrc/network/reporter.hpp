// Progress reports, and stopping on request.
#pragma once

#include <chrono>
#include <cstdint>

namespace optotype {

class Reporter {
 public:
  virtual ~Reporter() = default;
  // Called between steps with the number of images done. Returns whether to continue.
  virtual bool report(std::int64_t images_done) = 0;
};

// Calls the reporter at most twenty times a second.
class ThrottledReporter {
 public:
  explicit ThrottledReporter(Reporter& reporter) : reporter_(reporter) {}

  bool report(std::int64_t images_done) {
    const Clock::time_point now = Clock::now();
    if (now - last_ < std::chrono::milliseconds(50)) return true;
    last_ = now;
    return reporter_.report(images_done);
  }

 private:
  using Clock = std::chrono::steady_clock;
  Reporter& reporter_;
  Clock::time_point last_ = Clock::now();
};

}  // namespace optotype
