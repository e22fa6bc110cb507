#include "network/augmentation.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "network/randomness.hpp"

namespace optotype {

namespace {

constexpr std::uint64_t kAugment = 0x6175676D656E74;  // "augment" in ASCII: sets these hashes apart from all others
constexpr int kBefore = 1, kAfter = 2;                // pixels of border of a tile
constexpr double kReach = 3.0;                        // a Gaussian ends so many standard deviations from its middle

// The random numbers of an image, in the order of engine/augmentation.py.
enum What {
  down,
  right,
  flip,
  rotation,
  scale,
  contrast,
  brightness,
  cutout_row,
  cutout_column,
  field_right,
  field_down
};

}  // namespace

class Draws {
 public:
  Draws(std::uint64_t epoch, std::int64_t image)
      : key_(combine(combine(epoch, kAugment), static_cast<std::uint64_t>(image))) {}

  std::uint64_t bits(What what) const { return combine(key_, static_cast<std::uint64_t>(what)); }
  // In -most..most.
  double spread(What what, double most) const { return most * (2.0 * uniform(bits(what)) - 1.0); }
  // A whole number in 0..n - 1.
  int below(What what, int n) const { return static_cast<int>(uniform(bits(what)) * n); }

 private:
  std::uint64_t key_;
};

Augmenter::Augmenter(Shape shape, const Augmentation& settings, const Kernels& kernels, int workers)
    : shape_(shape), settings_(settings), kernels_(kernels), pitch_((shape.width + kBefore + kAfter) * shape.channels) {
  const std::size_t row = static_cast<std::size_t>(shape.width) * shape.channels;
  columns_ = Buffer(row);
  channels_ = Buffer(row);
  for (std::size_t i = 0; i < row; ++i) {
    columns_.data()[i] = static_cast<float>(i / shape.channels);
    channels_.data()[i] = static_cast<float>(i % shape.channels);
  }
  if (settings.elastic != 0.0f) weigh();
  scratch_.resize(workers);
  for (Scratch& scratch : scratch_) reserve(scratch);
}

void Augmenter::reserve(Scratch& scratch) const {
  scratch.tile = Buffer(static_cast<std::size_t>(pitch_) * (shape_.height + kBefore + kAfter));
  scratch.row = Buffer(static_cast<std::size_t>(shape_.width) * shape_.channels);
  if (settings_.elastic == 0.0f) return;
  const std::size_t rows = static_cast<std::size_t>(field_pitch()) * shape_.height;
  scratch.noise = Buffer(rows + static_cast<std::size_t>(field_pitch()) * 2 * reach_);
  for (Buffer* buffer : {&scratch.half, &scratch.right, &scratch.down}) *buffer = Buffer(rows);
}

// The Gaussian that makes the elastic field. It is used twice, across and down, so half of the strength is in each.
void Augmenter::weigh() {
  const double sigma = settings_.elastic_sigma;
  reach_ = static_cast<int>(std::ceil(kReach * sigma));
  weights_ = Buffer(2 * reach_ + 1);
  const auto at = [&](int k) { return std::exp(-0.5 * (k - reach_) * (k - reach_) / (sigma * sigma)); };
  double sum = 0.0;
  for (int k = 0; k <= 2 * reach_; ++k) sum += at(k);
  const double strength = std::sqrt(static_cast<double>(settings_.elastic)) / sum;
  for (int k = 0; k <= 2 * reach_; ++k) weights_.data()[k] = static_cast<float>(strength * at(k));
}

void Augmenter::apply(const Images& images, float scale, std::int64_t image, std::uint64_t key, int worker,
                      float* to) {
  Scratch& own = scratch_[worker];
  const Draws draws(key, image);
  const int row = shape_.width * shape_.channels;
  float* tile = own.tile.data() + kBefore * (pitch_ + shape_.channels);
  for (int y = 0; y < shape_.height; ++y, tile += pitch_)
    images.read(kernels_, image * shape_.size() + static_cast<std::int64_t>(y) * row, row, scale, tile);
  Resampling resampling = placed(draws);
  resampling.tile = own.tile.data();
  if (settings_.elastic != 0.0f) {
    displace(draws.bits(field_right), own, own.right.data());
    displace(draws.bits(field_down), own, own.down.data());
    resampling.right = own.right.data();
    resampling.down = own.down.data();
  }
  kernels_.resample(resampling, to);
  if (settings_.contrast != 0.0f || settings_.brightness != 0.0f)
    adjust(draws, images.white(scale), own.row.data(), to);
  if (settings_.cutout > 0) cut(draws, to);
}

// From the changed image back to the image: shifted back, then turned back and scaled back about the centre, then
// flipped. Whole shifts and flips give whole coordinates exactly.
Resampling Augmenter::placed(const Draws& draws) const {
  const double angle = draws.spread(rotation, settings_.rotation) * std::numbers::pi / 180.0;
  const double factor = 1.0 + draws.spread(What::scale, settings_.scale);
  const double along = std::cos(angle) / factor, across = std::sin(angle) / factor;
  const double sign = settings_.flip && draws.below(flip, 2) == 1 ? -1.0 : 1.0;
  const double centre_x = 0.5 * (shape_.width - 1), centre_y = 0.5 * (shape_.height - 1);
  const double x = centre_x + draws.below(right, 2 * settings_.shift + 1) - settings_.shift;
  const double y = centre_y + draws.below(down, 2 * settings_.shift + 1) - settings_.shift;
  const auto f = [](double value) { return static_cast<float>(value); };
  return {.tile = nullptr,
          .pitch = pitch_,
          .height = shape_.height,
          .width = shape_.width,
          .channels = shape_.channels,
          .columns = columns_.data(),
          .channel = channels_.data(),
          .column = {f(sign * along), f(-sign * across), f(centre_x - sign * (along * x - across * y))},
          .row = {f(across), f(along), f(centre_y - across * x - along * y)},
          .reflect = settings_.reflect,
          .right = nullptr,
          .down = nullptr,
          .field_pitch = field_pitch()};
}

// One direction of the elastic field: noise, smoothed down its columns, then along its rows, whose ends are not used.
void Augmenter::displace(std::uint64_t key, Scratch& own, float* field) const {
  const std::size_t n = static_cast<std::size_t>(field_pitch()) * shape_.height;
  kernels_.noise(key, own.noise.data(), n + static_cast<std::size_t>(field_pitch()) * 2 * reach_);
  kernels_.smooth({weights_.data(), 2 * reach_ + 1, field_pitch()}, own.noise.data(), own.half.data(), n);
  kernels_.smooth({weights_.data(), 2 * reach_ + 1, 1}, own.half.data(), field, n - 2 * reach_);
}

// Contrast about each channel's mean, then brightness.
void Augmenter::adjust(const Draws& draws, float white, float* sums, float* y) const {
  const int channels = shape_.channels, row = shape_.width * channels;
  std::fill_n(sums, row, 0.0f);
  const auto line = [&](int i) { return y + static_cast<std::ptrdiff_t>(i) * row; };
  for (int i = 0; i < shape_.height; ++i) kernels_.add(line(i), sums, row);
  const float factor = static_cast<float>(1.0 + draws.spread(contrast, settings_.contrast));
  const float more = static_cast<float>(draws.spread(brightness, settings_.brightness)) * white;
  for (int channel = 0; channel < channels; ++channel) {
    double sum = 0.0;
    for (int i = channel; i < row; i += channels) sum += static_cast<double>(sums[i]);
    const float mean = static_cast<float>(sum / shape_.pixels());
    for (int i = channel; i < row; i += channels) sums[i] = mean * (1.0f - factor) + more;
  }
  for (int i = 0; i < shape_.height; ++i) kernels_.adjust(factor, sums, white, line(i), row);
}

void Augmenter::cut(const Draws& draws, float* y) const {
  const int side = settings_.cutout, channels = shape_.channels;
  const int top = draws.below(cutout_row, shape_.height) - side / 2;
  const int left = draws.below(cutout_column, shape_.width) - side / 2;
  const int first = std::max(left, 0), last = std::min(left + side, shape_.width);
  for (int line = std::max(top, 0); line < std::min(top + side, shape_.height); ++line) {
    const std::ptrdiff_t pixel = static_cast<std::ptrdiff_t>(line) * shape_.width + first;
    std::fill_n(y + pixel * channels, (last - first) * channels, 0.0f);
  }
}

}  // namespace optotype
