// Conv2D with bfloat16 operands and single-precision sums; dense_bf16.cpp describes what stays in single precision.
//
// Forward: rows of the first operand are pixels. The inputs of an output begin at the output's pixel and are a run of
// (window width x channels) values for each row of the window, so nothing is unrolled. Images with few channels would
// waste most of each step of 32 values. They are first stacked: the rows of the window side by side as channels, so
// that one run covers the whole window.
//
// Gradient of the weights: rows are planes, all pixels of one channel, shifted by a position of the window (of a
// stacked image: one plane for each position). Columns are the filters of the gradient of z, in pairs of pixels.
//
// Gradient of x: the forward product over the gradient of z with the window flipped.
#include <algorithm>
#include <cstring>

#include "kernels/bf16.hpp"
#include "layers/conv2d/convolution.hpp"

namespace optotype {

namespace {

constexpr int kMaxStackedChannels = 7;           // images with more channels are not stacked
constexpr std::size_t kGroupValues = 256 << 10;  // of planes and pairs that are multiplied together
constexpr int kTile = 16;                        // rows of a tile

Bf16 round_to_bf16(float x) {
  const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, x);
  return static_cast<Bf16>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// The layout of weights as the second operand: for each panel [outer][run, in steps of 32][column], in pairs.
struct PackedLayout {
  int outer, run;  // rows of the window, and values of each
  int steps() const { return (run + kPanel - 1) / kPanel; }
  std::ptrdiff_t panel_size() const { return static_cast<std::ptrdiff_t>(outer) * steps() * kPanel * kPanel; }
  std::ptrdiff_t index(int o, int k, int column) const {
    return (static_cast<std::ptrdiff_t>(o) * steps() * kPanel + k / 2 * 2) * kPanel + column / kPanel * panel_size() +
           column % kPanel * 2 + k % 2;
  }
};

class Conv2DBf16 final : public Convolution {
 public:
  Conv2DBf16(const ConvolutionSettings& s, const LayerContext& context)
      : Convolution(s, context),
        bf16_(*context.kernels.bf16),
        even_(make_window(context.input, s.height, s.width, s.same, 2)),
        stacked_(context.input.channels <= kMaxStackedChannels),
        window_rows_(std::min(s.height, Interleaving::kMaxRows)),
        forward_{stacked_ ? 1 : s.height, s.width * context.input.channels * (stacked_ ? s.height : 1)},
        flipped_{s.height, s.width * padded_filters()} {}

  void reserve_training(const TrainingSize& size) override {
    Convolution::reserve_training(size);
    gradients_ = Buffer(size.chunks * gradient_size());
    needs_input_gradient_ = size.needs_input_gradient;
    group_ =
        static_cast<int>(std::clamp<std::size_t>(kGroupValues / (planes_size() + pairs_size()), 1, size.chunk_size));
    scratch_size_ = round_up(image_size() + stack_size() + dz_size() + group_ * (planes_size() + pairs_size()), 64);
    scratch_ = Buffer(size.workers * scratch_size_ / 2);
    reserve_packed((weights_.panels() * forward_.panel_size() +
                    (needs_input_gradient_ ? channel_panels() * flipped_.panel_size() : 0)) /
                   2);
  }

  void forward(const Chunk& chunk) override {
    if (!chunk.bf16) return forward_single(chunk);
    const Scratch s = scratch_of(chunk.worker);
    float* z = strip(chunk.worker);
    const int max_rows = strip_rows(even_.pitch, pool_height_) / pool_height_;  // rows of y
    const int pixel = stacked_ ? even_.height * input().channels : input().channels;
    for (int i = 0; i < chunk.samples; ++i) {
      pack_image(chunk.x + i * input().stride(), s.image);
      if (stacked_) stack(s.image, s.stack);
      for (int p = 0; p < weights_.panels(); ++p)
        for (int row = 0; row < output().height; row += max_rows) {
          const int rows = std::min(max_rows, output().height - row);
          const Bf16* image = (stacked_ ? s.stack : s.image) + row * pool_height_ * even_.pitch * pixel;
          convolve(forward_, image, pixel, packed() + p * forward_.panel_size(), rows * pool_height_ * even_.pitch,
                   weights_.panel_columns(p), z);
          apply_epilogue(chunk, i, p, row, rows, z, even_.pitch);
        }
    }
  }

  void backward(const Chunk& chunk) override {
    float* gradient = gradients_.data() + chunk.index * gradient_size();
    std::memset(gradient, 0, gradient_size() * sizeof(float));
    const Scratch s = scratch_of(chunk.worker);
    for (int first = 0; first < chunk.samples; first += group_) {
      const int samples = std::min(group_, chunk.samples - first);
      for (int i = 0; i < samples; ++i) {
        pack_planes(chunk.x + (first + i) * input().stride(), s, s.planes + i * planes_size());
        pack_gradient(chunk, first + i, i, gradient, s);
        if (chunk.dx) input_gradient(s.dz, strip(chunk.worker), chunk.dx + (first + i) * input().stride());
      }
      add_gradient(samples, gradient, s);
    }
  }

  void update(int task, const Batch& batch, const Update& update) override {
    const Weights::Block block = weights_.block(task);
    float gradient[(kPanel + 1) * kPanel] = {};
    for (int chunk = 0; chunk < batch.chunks; ++chunk) {
      const float* part = gradients_.data() + chunk * gradient_size() + block.panel * panel_gradient_size();
      for (int row = 0; row < block.rows; ++row)
        kernels_.add(part + gradient_row(block.row + row) * kPanel, gradient + row * kPanel, kPanel);
      if (block.has_bias) kernels_.add(part + gradient_rows() * kPanel, gradient + block.rows * kPanel, kPanel);
    }
    apply_update(block, gradient, update);
  }

 private:
  struct Scratch {
    Bf16* image;   // zero-padded, [pixel][channel]
    Bf16* stack;   // [output pixel][window row][channel]
    Bf16* dz;      // with `span` pixels of zeros before it and after it, [pixel][filter]
    Bf16* planes;  // of a group of samples, [sample][plane][pixel]
    Bf16* pairs;   // of a group of samples, [panel][sample][pair of pixels][32 filters][2]
  };

  int positions() const { return even_.height * even_.width; }
  int channel_tiles() const { return (input().channels + kTile - 1) / kTile; }
  int channel_panels() const { return (input().channels + kPanel - 1) / kPanel; }
  int image_pixels() const { return even_.image_rows() * even_.pitch; }
  int steps() const { return (even_.outputs() + kPanel - 1) / kPanel; }  // of 32 pixels, for the gradient of weights

  // Tiles of rows of the gradient of the weights, and the number of their planes: of a stacked image, one for each row.
  int tiles() const {
    return stacked_ ? (positions() * input().channels + kTile - 1) / kTile : positions() * channel_tiles();
  }
  int planes() const { return kTile * (stacked_ ? tiles() : channel_tiles()); }
  // Products read whole steps, beginning at the last position of the window.
  std::ptrdiff_t plane_size() const {
    return static_cast<std::ptrdiff_t>(
        round_up(std::max(image_pixels(), steps() * kPanel + even_.span()) + kPanel, 32));
  }
  std::size_t planes_size() const { return planes() * plane_size(); }
  std::size_t pairs_size() const { return static_cast<std::size_t>(weights_.panels()) * steps() * kPanel * kPanel; }
  std::size_t image_size() const {
    return round_up((static_cast<std::size_t>(image_pixels()) + 2 * kSlack) * input().channels + 2 * kPanel, 32);
  }
  std::size_t stack_size() const {
    return stacked_
               ? round_up(static_cast<std::size_t>(even_.outputs() + 2 * kSlack) * even_.height * input().channels +
                              2 * kPanel,
                          32)
               : 0;
  }
  std::size_t dz_size() const {
    return round_up(
        static_cast<std::size_t>(even_.outputs() + 2 * even_.span() + 2 * kSlack) * padded_filters() + 2 * kPanel, 32);
  }

  // The gradients of a chunk, for each panel: rows of 32 filters, in the order of the rows of the tiles, then the
  // biases.
  int gradient_rows() const { return static_cast<int>(round_up(tiles(), 2)) * kTile; }
  std::size_t panel_gradient_size() const { return (gradient_rows() + 1) * static_cast<std::size_t>(kPanel); }
  std::size_t gradient_size() const { return weights_.panels() * panel_gradient_size(); }
  int gradient_row(int row) const {
    const int channels = input().channels;
    return stacked_ ? row : (row / channels) * channel_tiles() * kTile + row % channels;
  }

  Bf16* packed() const { return reinterpret_cast<Bf16*>(packed_.data()); }
  Bf16* flipped() const { return packed() + weights_.panels() * forward_.panel_size(); }

  Scratch scratch_of(int worker) const {
    Bf16* image = reinterpret_cast<Bf16*>(scratch_.data()) + worker * scratch_size_;
    Bf16 *stack = image + image_size(), *dz = stack + stack_size(), *planes = dz + dz_size();
    return {image, stack, dz + even_.span() * padded_filters(), planes, planes + group_ * planes_size()};
  }

  void pack_image(const float* x, Bf16* image) const {
    const int channels = input().channels, row = even_.in_width * channels;
    bf16_.pack_rows(x, row, image + even_.image_offset() * channels, even_.pitch * channels, even_.in_height, row);
  }

  void stack(const Bf16* image, Bf16* to) const {
    const int channels = input().channels, pixels = even_.outputs() + even_.width - 1;
    if (channels == 1 && even_.height <= Interleaving::kMaxRows)
      return bf16_.interleave(window_rows_, image, even_.pitch, to, pixels);
    for (int p = 0; p < pixels; ++p)
      for (int i = 0; i < even_.height; ++i, to += channels)
        std::copy_n(image + (p + i * even_.pitch) * channels, channels, to);
  }

  // Computes z for some pixels. Rows of the image are `pitch` pixels apart; each pixel has `pixel` values.
  void convolve(const PackedLayout& weights, const Bf16* image, int pixel, const Bf16* panel, int pixels, int columns,
                float* z) const {
    for (int p = 0; p < pixels; p += kPanel)
      bf16_.multiply_block({.a = image + static_cast<std::ptrdiff_t>(p) * pixel,
                            .a_row = pixel,
                            .a_half = kTile * pixel,
                            .a_outer = static_cast<std::ptrdiff_t>(even_.pitch) * pixel,
                            .b = panel,
                            .c = z + static_cast<std::ptrdiff_t>(p) * kPanel,
                            .two_rows = pixels - p > kTile,
                            .two_columns = columns > kTile,
                            .outer = weights.outer,
                            .steps = weights.steps(),
                            .add = false});
  }

  void pack_planes(const float* x, const Scratch& s, Bf16* planes) const {
    const int channels = input().channels;
    if (!stacked_) {
      for (int y = 0; y < even_.in_height; ++y)
        for (int left = 0; left < even_.in_width; left += kPanel)
          bf16_.pack_columns(x + (y * even_.in_width + left) * channels, channels,
                             planes + even_.image_offset() + y * even_.pitch + left, plane_size(),
                             std::min(kPanel, even_.in_width - left), channel_tiles() * kTile);
      return;
    }
    pack_image(x, s.image);
    for (int c = 0; c < channels; ++c) {
      const Bf16* plane = channels == 1 ? s.image : s.stack;  // not in use now
      for (int p = 0; channels > 1 && p < image_pixels(); ++p) s.stack[p] = s.image[p * channels + c];
      for (int position = 0; position < positions(); ++position)
        std::memcpy(planes + (position * channels + c) * plane_size(), plane + position_offset(position),
                    even_.outputs() * sizeof(Bf16));
    }
  }

  // Packs the gradient of z for one sample: as rows for the gradient of x, in pairs for the gradient of the weights.
  // Adds the gradient of the biases.
  void pack_gradient(const Chunk& chunk, int sample, int group_sample, float* gradient, const Scratch& s) const {
    for (int p = 0; p < weights_.panels(); ++p) {
      Bf16* dz = s.dz + p * kPanel;
      bf16_.conv_epilogue_gradient(epilogue_gradient(chunk, sample, p, even_.pitch), dz,
                                   gradient + p * panel_gradient_size() + gradient_rows() * kPanel);
      bf16_.pair_rows(dz, padded_filters(), s.pairs + pairs_offset(p, group_sample), even_.outputs());
    }
  }

  std::ptrdiff_t pairs_offset(int panel, int sample) const {
    return (static_cast<std::ptrdiff_t>(panel) * group_ + sample) * steps() * kPanel * kPanel;
  }

  void add_gradient(int samples, float* gradient, const Scratch& s) const {
    for (int p = 0; p < weights_.panels(); ++p)
      for (int tile = 0; tile < tiles(); tile += 2) {
        const bool two = tile + 1 < tiles();
        const std::ptrdiff_t first = tile_start(tile), second = two ? tile_start(tile + 1) : first;
        bf16_.multiply_block({.a = s.planes + first,
                              .a_row = plane_size(),
                              .a_half = second - first,
                              .a_outer = static_cast<std::ptrdiff_t>(planes_size()),
                              .b = s.pairs + pairs_offset(p, 0),
                              .c = gradient + p * panel_gradient_size() + tile * kTile * kPanel,
                              .two_rows = two,
                              .two_columns = weights_.panel_columns(p) > kTile,
                              .outer = samples,
                              .steps = steps(),
                              .add = true});
      }
  }

  // The pixel offset of a position of the window.
  int position_offset(int position) const { return position / even_.width * even_.pitch + position % even_.width; }

  // The offset of the 16 planes of a tile.
  std::ptrdiff_t tile_start(int tile) const {
    if (stacked_) return tile * kTile * plane_size();
    const int position = tile / channel_tiles(), channel = tile % channel_tiles() * kTile;
    return channel * plane_size() + position_offset(position);
  }

  void input_gradient(const Bf16* dz, float* sums, float* dx) const {
    const int filters = padded_filters(), channels = input().channels, max_rows = strip_rows(even_.pitch, 1);
    for (int panel = 0; panel < channel_panels(); ++panel)
      for (int row = 0; row < even_.in_height; row += max_rows) {
        const int rows = std::min(max_rows, even_.in_height - row),
                  columns = std::min(kPanel, channels - panel * kPanel);
        convolve(flipped_, dz + (even_.image_offset() + row * even_.pitch - even_.span()) * filters, filters,
                 flipped() + panel * flipped_.panel_size(), rows * even_.pitch, columns, sums);
        kernels_.conv_epilogue({.z = sums,
                                .z_row = even_.pitch * kPanel,
                                .bias = kZeros,
                                .activation = Activation::linear,
                                .window_height = 1,
                                .window_width = 1,
                                .rows = rows,
                                .columns = even_.in_width,
                                .y = dx + row * even_.in_width * channels + panel * kPanel,
                                .y_pixel = channels,
                                .channels = columns,
                                .argmax = nullptr});
      }
  }

  void repack(const Weights::Block& block) override {
    const int channels = input().channels, height = even_.height, width = even_.width;
    for (int row = block.row; row < block.row + block.rows; ++row) {
      const float* from = weights_.panel(block.panel) + static_cast<std::ptrdiff_t>(row) * kPanel;
      const int i = row / (width * channels), j = row / channels % width, channel = row % channels;
      for (int f = 0; f < weights_.panel_columns(block.panel); ++f) {
        const Bf16 weight = round_to_bf16(from[f]);
        const int filter = block.panel * kPanel + f;
        packed()[stacked_ ? forward_.index(0, (j * height + i) * channels + channel, filter)
                          : forward_.index(i, j * channels + channel, filter)] = weight;
        if (needs_input_gradient_)
          flipped()[flipped_.index(height - 1 - i, (width - 1 - j) * padded_filters() + filter, channel)] = weight;
      }
    }
  }

  const Bf16Kernels& bf16_;
  Window even_;  // its pitch is even, so that pairs of pixels are never separated
  bool stacked_;
  Interleaving window_rows_;
  PackedLayout forward_, flipped_;
  bool needs_input_gradient_ = false;
  int group_ = 1;
  std::size_t scratch_size_ = 0;
  Buffer gradients_;
  Buffer scratch_;
};

}  // namespace

std::unique_ptr<Layer> make_conv2d_bf16(const ConvolutionSettings& settings, const LayerContext& context) {
  return std::make_unique<Conv2DBf16>(settings, context);
}

}  // namespace optotype
