#include "network/augmentation.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tensor/randomness.hpp"

namespace optotype {

namespace {

constexpr std::uint64_t kAugment = 0x6175676D656E74;  // "augment" in ASCII: the purpose of these random numbers
constexpr int kBefore = 1, kAfter = 2;                // border of a tile, in pixels
constexpr double kGaussianReach = 3.0;                // standard deviations on each side
constexpr int kMaxPixels = 4096;                      // of a shift, a cutout or an elastic deformation

// The purposes of the random numbers of an image, in the order of src/optotype/engine/augmentation.py.
enum Draw {
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

class RandomDraws {
 public:
  RandomDraws(std::uint64_t epoch, std::int64_t image)
      : key_(combine(combine(epoch, kAugment), static_cast<std::uint64_t>(image))) {}

  std::uint64_t bits(Draw draw) const { return combine(key_, static_cast<std::uint64_t>(draw)); }
  // A number in -limit..limit.
  double symmetric(Draw draw, double limit) const { return limit * (2.0 * uniform(bits(draw)) - 1.0); }
  // An integer in 0..n - 1.
  int integer(Draw draw, int n) const { return static_cast<int>(uniform(bits(draw)) * n); }

 private:
  std::uint64_t key_;
};

Augmentation parse_augmentation(const Settings& s) {
  return {.shift = s.integer("shift", 0, kMaxPixels),
          .cutout = s.integer("cutout", 0, kMaxPixels),
          .flip = s.flag("flip"),
          .reflect = s.text("padding") == "reflect",
          .rotation = s.number("rotation", 0.0f, 180.0f),
          .scale = s.number("scale", 0.0f, 0.99f),
          .brightness = s.number("brightness", 0.0f, 1.0f),
          .contrast = s.number("contrast", 0.0f, 1.0f),
          .elastic = s.number("elastic", 0.0f, kMaxPixels),
          .elastic_sigma = s.number("elastic_sigma", 0.1f, 100.0f)};
}

Augmenter::Augmenter(Shape shape, const Augmentation& settings, const Kernels& kernels, int workers)
    : shape_(shape), settings_(settings), kernels_(kernels), pitch_((shape.width + kBefore + kAfter) * shape.channels) {
  const std::size_t row = static_cast<std::size_t>(shape.width) * shape.channels;
  columns_ = Buffer(row);
  channels_ = Buffer(row);
  for (std::size_t i = 0; i < row; ++i) {
    columns_.data()[i] = static_cast<float>(i / shape.channels);
    channels_.data()[i] = static_cast<float>(i % shape.channels);
  }
  if (settings.elastic != 0.0f) compute_gaussian();
  scratch_.resize(workers);
  for (Scratch& scratch : scratch_) reserve(scratch);
}

void Augmenter::reserve(Scratch& scratch) const {
  scratch.tile = Buffer(static_cast<std::size_t>(pitch_) * (shape_.height + kBefore + kAfter));
  scratch.row = Buffer(static_cast<std::size_t>(shape_.width) * shape_.channels);
  if (settings_.elastic == 0.0f) return;
  const std::size_t rows = static_cast<std::size_t>(field_pitch()) * shape_.height;
  scratch.noise = Buffer(rows + static_cast<std::size_t>(field_pitch()) * 2 * margin_);
  for (Buffer* buffer : {&scratch.half_smoothed, &scratch.right, &scratch.down}) *buffer = Buffer(rows);
}

// The Gaussian that smooths the displacement field. It is applied twice, across and down, so each pass has the square
// root of the strength.
void Augmenter::compute_gaussian() {
  const double sigma = settings_.elastic_sigma;
  margin_ = static_cast<int>(std::ceil(kGaussianReach * sigma));
  gaussian_ = Buffer(2 * margin_ + 1);
  const auto at = [&](int k) { return std::exp(-0.5 * (k - margin_) * (k - margin_) / (sigma * sigma)); };
  double sum = 0.0;
  for (int k = 0; k <= 2 * margin_; ++k) sum += at(k);
  const double strength = std::sqrt(static_cast<double>(settings_.elastic)) / sum;
  for (int k = 0; k <= 2 * margin_; ++k) gaussian_.data()[k] = static_cast<float>(strength * at(k));
}

void Augmenter::apply(const Images& images, float scale, std::int64_t image, std::uint64_t key, int worker, float* to) {
  Scratch& scratch = scratch_[worker];
  const RandomDraws draws(key, image);
  const int row = shape_.width * shape_.channels;
  float* tile = scratch.tile.data() + kBefore * (pitch_ + shape_.channels);
  for (int y = 0; y < shape_.height; ++y, tile += pitch_)
    images.read(kernels_, image * shape_.size() + static_cast<std::int64_t>(y) * row, row, scale, tile);
  Resampling resampling = affine_map(draws);
  resampling.tile = scratch.tile.data();
  if (settings_.elastic != 0.0f) {
    fill_displacement(draws.bits(field_right), scratch, scratch.right.data());
    fill_displacement(draws.bits(field_down), scratch, scratch.down.data());
    resampling.right = scratch.right.data();
    resampling.down = scratch.down.data();
  }
  kernels_.resample(resampling, to);
  if (settings_.contrast != 0.0f || settings_.brightness != 0.0f)
    adjust_colors(draws, images.white(scale), scratch.row.data(), to);
  if (settings_.cutout > 0) cut_out(draws, to);
}

// The map from pixels of the changed image to positions in the original: inverse shift, then inverse rotation and
// scaling about the centre, then flip. Integer shifts and flips give exact integer coordinates.
Resampling Augmenter::affine_map(const RandomDraws& draws) const {
  const double angle = draws.symmetric(rotation, settings_.rotation) * std::numbers::pi / 180.0;
  const double factor = 1.0 + draws.symmetric(Draw::scale, settings_.scale);
  const double along = std::cos(angle) / factor, across = std::sin(angle) / factor;
  const double sign = settings_.flip && draws.integer(flip, 2) == 1 ? -1.0 : 1.0;
  const double centre_x = 0.5 * (shape_.width - 1), centre_y = 0.5 * (shape_.height - 1);
  const double x = centre_x + draws.integer(right, 2 * settings_.shift + 1) - settings_.shift;
  const double y = centre_y + draws.integer(down, 2 * settings_.shift + 1) - settings_.shift;
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

// One direction of the displacement field: noise, smoothed down its columns, then along its rows; the ends of the rows
// are not used.
void Augmenter::fill_displacement(std::uint64_t key, Scratch& scratch, float* field) const {
  const std::size_t n = static_cast<std::size_t>(field_pitch()) * shape_.height;
  kernels_.noise(key, scratch.noise.data(), n + static_cast<std::size_t>(field_pitch()) * 2 * margin_);
  kernels_.smooth({gaussian_.data(), 2 * margin_ + 1, field_pitch()}, scratch.noise.data(),
                  scratch.half_smoothed.data(), n);
  kernels_.smooth({gaussian_.data(), 2 * margin_ + 1, 1}, scratch.half_smoothed.data(), field, n - 2 * margin_);
}

// Contrast about the mean of each channel, then brightness.
void Augmenter::adjust_colors(const RandomDraws& draws, float white, float* sums, float* y) const {
  const int channels = shape_.channels, row = shape_.width * channels;
  std::fill_n(sums, row, 0.0f);
  const auto line = [&](int i) { return y + static_cast<std::ptrdiff_t>(i) * row; };
  for (int i = 0; i < shape_.height; ++i) kernels_.add(line(i), sums, row);
  const float factor = static_cast<float>(1.0 + draws.symmetric(contrast, settings_.contrast));
  const float offset = static_cast<float>(draws.symmetric(brightness, settings_.brightness)) * white;
  for (int channel = 0; channel < channels; ++channel) {
    double sum = 0.0;
    for (int i = channel; i < row; i += channels) sum += static_cast<double>(sums[i]);
    const float mean = static_cast<float>(sum / shape_.pixels());
    for (int i = channel; i < row; i += channels) sums[i] = mean * (1.0f - factor) + offset;
  }
  for (int i = 0; i < shape_.height; ++i) kernels_.scale_and_clamp(factor, sums, white, line(i), row);
}

void Augmenter::cut_out(const RandomDraws& draws, float* y) const {
  const int side = settings_.cutout, channels = shape_.channels;
  const int top = draws.integer(cutout_row, shape_.height) - side / 2;
  const int left = draws.integer(cutout_column, shape_.width) - side / 2;
  const int first = std::max(left, 0), last = std::min(left + side, shape_.width);
  for (int line = std::max(top, 0); line < std::min(top + side, shape_.height); ++line) {
    const std::ptrdiff_t pixel = static_cast<std::ptrdiff_t>(line) * shape_.width + first;
    std::fill_n(y + pixel * channels, (last - first) * channels, 0.0f);
  }
}

}  // namespace optotype
