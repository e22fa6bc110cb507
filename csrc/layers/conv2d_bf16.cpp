// Conv2D in training with bfloat16 operands and single-precision sums; see dense_bf16.cpp for what stays single.
//
// An image is laid out once more, column by column of the window: [row][column][window row][channel], for every row of the
// output. There the inputs of one output are a single run of numbers, ordered window column, window row, channel, and
// those of the next output start `window height x channels` later: rows of a matrix that overlap, so nothing is
// unrolled. For the gradient of the weights each number is paired with the one a column later, which makes pairs of
// neighbouring pixels; dy is transposed, with zeros where a row of the image is longer than one of the output. The
// gradient of x is the forward product over dy with a border of zeros and the window turned round.
#include <algorithm>
#include <cstring>

#include "kernels/bf16.hpp"
#include "layers/weighted.hpp"

namespace optotype {

namespace {

Bf16 rounded(float x) {
  const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, x);
  return static_cast<Bf16>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// Images of one size laid out for a window that slides over them.
struct Sliding {
  int width, channels;           // of the image
  int window_height, window_width;
  int out_height, out_width;

  std::ptrdiff_t column() const { return static_cast<std::ptrdiff_t>(window_height) * channels; }
  std::ptrdiff_t run() const { return window_width * column(); }  // inputs of one output
  int steps() const { return static_cast<int>(round_up(run(), kPanel) / kPanel); }
  std::ptrdiff_t pixels() const { return round_up(static_cast<std::size_t>(out_height) * width, kPanel); }
  // With room for what products read, though not use, beyond the last pixel.
  std::size_t size() const { return pixels() * column() + round_up(run(), kPanel) + kPanel * column() + kPanel; }

  void lay_out(const Bf16* image, Bf16* out) const {
    for (int y = 0; y < out_height; ++y)
      for (int i = 0; i < window_height; ++i) {
        const Bf16* from = image + static_cast<std::ptrdiff_t>(y + i) * width * channels;
        Bf16* to = out + static_cast<std::ptrdiff_t>(y) * width * column() + i * channels;
        for (int x = 0; x < width; ++x, from += channels, to += column())
          for (int c = 0; c < channels; ++c) to[c] = from[c];
      }
  }
};

class Conv2DBf16 final : public WeightedLayer {
 public:
  Conv2DBf16(Shape input, int filters, int height, int width, const Kernels& kernels)
      : WeightedLayer(input, {input.height - height + 1, input.width - width + 1, filters},
                      height * width * input.channels, kernels),
        bf16_(*kernels.bf16),
        images_{input.width, input.channels, height, width, output().height, output().width},
        borders_{output().width + 2 * (width - 1), filters, height, width, input.height, input.width} {}

  void prepare(const Limits& limits) override {
    weights_.prepare();
    input_gradient_ = limits.input_gradient;
    gradients_ = Buffer(limits.chunks * gradient_size());
    bordered_size_ = round_up(static_cast<std::size_t>(borders_.width) * (input().height + images_.window_height - 1) *
                                  output().channels, kPanel);
    image_size_ = std::max<std::size_t>(input().stride(), output().stride());
    laid_out_size_ = std::max(images_.size(), borders_.size());
    scratch_size_ = round_up(image_size_ + bordered_size_ + laid_out_size_ + 2 * images_.size() +
                                 kPanel * weights_.panels() * columns_stride(), 64);
    scratch_ = Buffer(limits.workers * scratch_size_ / 2);
    reserve_copy(copy_size(images_, weights_.columns()) / 2 +
                 (input_gradient_ ? copy_size(borders_, input().channels) / 2 : 0));
  }

  void forward(const Chunk& chunk) override {
    if (!chunk.training)
      return conv2d_forward(weights_, input(), output(), images_.window_height, images_.window_width, kernels_, chunk);
    const Scratch scratch = scratch_of(chunk.worker);
    for (int i = 0; i < chunk.samples; ++i) {
      lay_out_image(chunk.x + i * input().stride(), scratch);
      for (int p = 0; p < weights_.panels(); ++p)
        slide(images_, scratch.laid_out, panel(images_, copy(), p), weights_.bias(p), weights_.panel_columns(p),
              chunk.y + i * output().stride() + p * kPanel, output().channels);
    }
  }

  void backward(const Chunk& chunk) override {
    float* gradient = gradients_.data() + chunk.index * gradient_size();
    std::memset(gradient, 0, gradient_size() * sizeof(float));
    const Scratch scratch = scratch_of(chunk.worker);
    for (int i = 0; i < chunk.samples; ++i) {
      const float* dy = chunk.dy + i * output().stride();
      lay_out_image(chunk.x + i * input().stride(), scratch);
      add_gradient(dy, gradient, scratch);
      if (chunk.dx) input_gradient(dy, chunk.dx + i * input().stride(), scratch);
    }
  }

  void update(int task, const Batch& batch, const Update& step) override {
    const Weights::Block block = weights_.block(task);
    const std::ptrdiff_t run = run_stride();
    float gradient[(kPanel + 1) * kPanel] = {};
    for (int chunk = 0; chunk < batch.chunks; ++chunk) {
      const float* part = gradients_.data() + chunk * gradient_size() + block.panel * kPanel * (run + 1);
      for (int row = 0; row < block.rows; ++row) {
        const float* sums = part + place_in_run(block.row + row);
        for (int f = 0; f < kPanel; ++f) gradient[row * kPanel + f] += sums[f * run];
      }
      if (block.bias) kernels_.add(part + kPanel * run, gradient + block.rows * kPanel, kPanel);
    }
    change(block, gradient, step);
  }

 private:
  struct Scratch {
    Bf16 *image, *bordered, *laid_out, *pairs, *columns;
  };

  static std::size_t copy_size(const Sliding& s, int columns) {
    return round_up(columns, kPanel) * s.steps() * kPanel;
  }
  static const Bf16* panel(const Sliding& s, const Bf16* copy, int p) {
    return copy + static_cast<std::ptrdiff_t>(p) * s.steps() * kPanel * kPanel;
  }
  Bf16* copy() const { return reinterpret_cast<Bf16*>(copy_.data()); }
  Bf16* turned() const { return copy() + copy_size(images_, weights_.columns()); }
  std::ptrdiff_t run_stride() const { return static_cast<std::ptrdiff_t>(images_.steps()) * kPanel; }
  std::ptrdiff_t columns_stride() const { return images_.pixels() + kPanel; }
  // A chunk's gradients: for each panel [filter][input of the window], then the 32 biases.
  std::size_t gradient_size() const { return static_cast<std::size_t>(weights_.panels()) * kPanel * (run_stride() + 1); }

  Scratch scratch_of(int worker) const {
    Bf16* image = reinterpret_cast<Bf16*>(scratch_.data()) + worker * scratch_size_;
    Bf16 *bordered = image + image_size_, *laid_out = bordered + bordered_size_, *pairs = laid_out + laid_out_size_;
    return {image, bordered, laid_out, pairs, pairs + 2 * images_.size()};
  }

  // A row of the kernel is (window row, window column, channel); a run is (window column, window row, channel).
  int place_in_run(int row) const {
    const int channels = input().channels, width = images_.window_width;
    const int i = row / (width * channels), j = row / channels % width;
    return (j * images_.window_height + i) * channels + row % channels;
  }

  void lay_out_image(const float* x, const Scratch& scratch) const {
    bf16_.pack_rows(x, 0, scratch.image, 0, 1, static_cast<int>(input().stride()));
    images_.lay_out(scratch.image, scratch.laid_out);
  }

  void slide(const Sliding& s, const Bf16* laid_out, const Bf16* panel, const float* start, int columns, float* y,
             std::ptrdiff_t y_row) const {
    for (int row = 0; row < s.out_height; ++row)
      for (int x = 0; x < s.out_width; x += kPanel)
        bf16_.multiply({.a = laid_out + (static_cast<std::ptrdiff_t>(row) * s.width + x) * s.column(),
                        .a_row = s.column(), .a_outer = 0, .b = panel, .b_pair = 2 * kPanel,
                        .c = y + (static_cast<std::ptrdiff_t>(row) * s.out_width + x) * y_row, .c_row = y_row,
                        .rows = std::min(kPanel, s.out_width - x), .columns = columns, .outer = 1,
                        .steps = s.steps(), .start = start});
  }

  void add_gradient(const float* dy, float* gradient, const Scratch& scratch) const {
    const Sliding& s = images_;
    const std::size_t n = s.size() - s.column();
    for (std::size_t i = 0; i < n; ++i) {
      scratch.pairs[2 * i] = scratch.laid_out[i];
      scratch.pairs[2 * i + 1] = scratch.laid_out[i + s.column()];
    }
    for (int p = 0; p < weights_.panels(); ++p, gradient += kPanel * (run_stride() + 1)) {
      Bf16* columns = scratch.columns + p * kPanel * columns_stride();
      transpose(dy + p * kPanel, columns);
      for (std::ptrdiff_t run = 0; run < s.run(); run += kPanel)
        bf16_.multiply({.a = columns, .a_row = columns_stride(), .a_outer = 0,
                        .b = scratch.pairs + 2 * run, .b_pair = 4 * s.column(),
                        .c = gradient + run, .c_row = run_stride(),
                        .rows = weights_.panel_columns(p), .columns = kPanel, .outer = 1,
                        .steps = static_cast<int>(s.pixels() / kPanel), .start = nullptr});
      kernels_.sum_rows({dy + p * kPanel, output().channels, output().pixels()}, gradient + kPanel * run_stride(),
                        weights_.panel_columns(p));
    }
  }

  // dy as [filter][pixel], in rows as long as the image's. What lies beyond a row of the output stays zero.
  void transpose(const float* dy, Bf16* columns) const {
    for (int y = 0; y < images_.out_height; ++y)
      for (int x = 0; x < images_.out_width; x += kPanel)
        bf16_.pack_columns(dy + (static_cast<std::ptrdiff_t>(y) * images_.out_width + x) * output().channels,
                           output().channels, columns + static_cast<std::ptrdiff_t>(y) * images_.width + x,
                           columns_stride(), std::min(kPanel, images_.out_width - x), kPanel);
  }

  void input_gradient(const float* dy, float* dx, const Scratch& scratch) const {
    const Shape out = output();
    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(out.width) * out.channels;
    const std::ptrdiff_t bordered_row = static_cast<std::ptrdiff_t>(borders_.width) * out.channels;
    bf16_.pack_rows(dy, 0, scratch.image, 0, 1, static_cast<int>(out.stride()));
    Bf16* inside = scratch.bordered + (images_.window_height - 1) * bordered_row +
                   static_cast<std::ptrdiff_t>(images_.window_width - 1) * out.channels;
    for (int y = 0; y < out.height; ++y)
      std::memcpy(inside + y * bordered_row, scratch.image + y * row, row * sizeof(Bf16));
    borders_.lay_out(scratch.bordered, scratch.laid_out);
    for (int channel = 0; channel < input().channels; channel += kPanel)
      slide(borders_, scratch.laid_out, panel(borders_, turned(), channel / kPanel), kZeros,
            std::min(kPanel, input().channels - channel), dx + channel, input().channels);
  }

  void refresh(const Weights::Block& block) override {
    const int channels = input().channels, filters = output().channels;
    const int height = images_.window_height, width = images_.window_width;
    for (int row = block.row; row < block.row + block.rows; ++row) {
      const float* from = weights_.panel(block.panel) + static_cast<std::ptrdiff_t>(row) * kPanel;
      const int i = row / (width * channels), j = row / channels % width, channel = row % channels;
      const int place = place_in_run(row);
      for (int f = 0; f < weights_.panel_columns(block.panel); ++f) {
        const Bf16 weight = rounded(from[f]);
        *paired(images_, copy(), place, block.panel * kPanel + f) = weight;
        const int at = ((width - 1 - j) * height + height - 1 - i) * filters + block.panel * kPanel + f;
        if (input_gradient_) *paired(borders_, turned(), at, channel) = weight;
      }
    }
  }

  // The place of (row, column) in panels of pairs of rows.
  static Bf16* paired(const Sliding& s, Bf16* copy, int row, int column) {
    return copy + static_cast<std::ptrdiff_t>(column / kPanel) * s.steps() * kPanel * kPanel +
           static_cast<std::ptrdiff_t>(row / 2) * 2 * kPanel + column % kPanel * 2 + row % 2;
  }

  const Bf16Kernels& bf16_;
  Sliding images_, borders_;  // over x, and over dy with its border
  bool input_gradient_ = false;
  std::size_t image_size_ = 0, bordered_size_ = 0, laid_out_size_ = 0, scratch_size_ = 0;
  Buffer gradients_;
  Buffer scratch_;
};

}  // namespace

std::unique_ptr<Layer> make_conv2d_bf16(Shape input, int filters, int height, int width, const Kernels& kernels) {
  return std::make_unique<Conv2DBf16>(input, filters, height, width, kernels);
}

}  // namespace optotype
