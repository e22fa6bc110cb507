// The arithmetic that every layer is made of, as one table of functions for each instruction set.
//
// The files gemm.hpp, elementwise.hpp, ... are compiled once for each instruction set (portable.cpp, avx2.cpp,
// avx512.cpp), each time into a table of its own. Whoever computes asks `kernels_for` for a table once and calls
// through it. The results of two tables are equal to rounding; the results of one table never depend on threads.
#pragma once

#include <cstddef>
#include <cstdint>

namespace optotype {

// Weights lie in panels of this many columns, and rows of activations are padded to a multiple of it.
constexpr int kPanel = 32;

// C[i][j] (+)= sum over o, k of A[i, o, k] * B[o, k][j], for i < rows and j < columns <= kPanel.
// A is addressed by three strides, so one kernel serves dense layers (outer = 1), their weight gradients (A read
// down its columns) and convolutions straight from the image (o walks the window's rows). Each row of B is read,
// though not used, up to kPanel columns wide: what lies there may be others', even while they write it.
struct Gemm {
  const float* a;
  std::ptrdiff_t a_row, a_outer, a_inner;
  const float* b;
  std::ptrdiff_t b_outer = 0, b_row;  // outer = 1 needs no b_outer
  float* c;
  std::ptrdiff_t c_row;
  int rows, columns, outer, inner;
  const float* start;  // the row that every sum starts from; null: C itself
};

enum class Activation { linear, relu, tanh, sigmoid };

enum class OptimizerKind { sgd, rmsprop, adam };

// Which numbers an optimizer keeps for each weight besides the weight.
struct OptimizerState {
  bool first, second;
};

// One step of an optimizer over n weights that lie side by side, n a multiple of kPanel. What the fields hold is in
// optimizers.hpp; `first` and `second` are null where the optimizer has no such state.
struct Update {
  OptimizerKind kind;
  float rate, first_decay, second_decay, epsilon;
  const float* gradient;
  float *weights, *first, *second;
};

// Windows that lie side by side over an image of height x width x channels.
struct Pooling {
  int width, channels;
  int window_height, window_width;
  int out_height, out_width;
};

// A convolution's sums for some rows of the image and one panel of filters, [pixel][kPanel], which become rows of y.
struct Finish {
  const float* z;
  std::ptrdiff_t z_row;  // from one row of pixels to the next
  const float* bias;     // kPanel of them
  Activation activation;
  int window_height, window_width;  // of max pooling; 1 x 1 for none
  int rows, columns;                // of y
  float* y;
  std::ptrdiff_t y_pixel;  // from one pixel of y to the next; its rows lie end to end
  int channels;            // how many of the panel's filters there are
  std::uint8_t* winners;   // [pixel of y][kPanel]: the place in its window of what became y; null where nobody asks
};

// The way back for a whole image: from the gradient of y to that of the convolution's sums.
struct Spread {
  const float *dy, *y;
  std::ptrdiff_t y_pixel;
  Activation activation;
  int window_height, window_width;
  int rows, columns;
  int channels;
  const std::uint8_t* winners;       // null where windows are 1 x 1
  std::ptrdiff_t dz_row, dz_pixel;  // in numbers
};

// Rows of n floats, `stride` apart.
struct Rows {
  const float* data;
  std::ptrdiff_t stride;
  int count;
};

// The elements that dropout keeps: those whose 16 bits of a hash of (key, counter) are not below the threshold. Counter
// and length are whole panels.
struct Dropout {
  std::uint64_t key;
  std::uint32_t threshold;
  float scale;
};

// What batch normalization knows of each channel.
struct Normalization {
  const float *mean, *inverse, *gamma, *beta;
};

// What the gradient through batch normalization needs besides: gamma / sqrt(variance + epsilon), and the mean
// over the batch of dy and of dy * x_hat.
struct NormalizationGradient {
  const float *mean, *inverse, *gamma, *mean_dy, *mean_dy_x;
};

// An image as it is seen through a map from its own places to those where it is read. Number i of a row belongs to pixel
// columns[i], channel channel[i]; row y, column x is read at row[0] x + row[1] y + row[2], likewise column[...], between
// pixels by bilinear interpolation. Outside the image are zeros, or its reflection about its outermost pixels.
struct Resampling {
  const float* tile;  // the image with a pixel of zeros before it, and two after it, in both directions
  int pitch;          // from one row of the tile to the next
  int height, width, channels;
  const float *columns, *channel;  // whole registers of them
  float column[3], row[3];
  bool reflect;
  const float *right, *down;  // added to the place of each pixel; null where nothing is
  int field_pitch;            // from one row of these to the next
};

// A row of weights that slides over numbers: the sum over k < count of weights[k] x[k * step].
struct Smoothing {
  const float* weights;
  int count;
  std::ptrdiff_t step;
};

struct Bf16Kernels;

struct Kernels {
  const char* name;
  const Bf16Kernels* bf16;  // null where the instruction set has none
  void (*gemm)(const Gemm&);
  void (*scale_bytes)(const std::uint8_t* x, float scale, float* y, std::size_t n);
  void (*scale_floats)(const float* x, float scale, float* y, std::size_t n);
  void (*add)(const float* x, float* sum, std::size_t n);
  void (*activate)(Activation, float* y, std::size_t n);
  void (*activation_gradient)(Activation, const float* y, float* dy, std::size_t n);
  void (*dropout)(const Dropout&, std::uint32_t counter, const float* x, float* y, std::size_t n);
  void (*update)(const Update&, std::size_t n);
  // At most 32 rows of kPanel floats, transposed: kPanel rows of 32; what is not there is zero.
  void (*transpose)(const float* x, float* y, int rows);
  void (*max_pool)(const Pooling&, const float* x, float* y);
  void (*max_pool_gradient)(const Pooling&, const float* x, const float* y, const float* dy, float* dx);
  void (*finish)(const Finish&);
  // Adds the gradient of the biases, kPanel of them, to `bias`. Pixels that no window holds are not written.
  void (*spread)(const Spread&, float* dz, float* bias);
  void (*sum_rows)(const Rows& x, float* sum, std::size_t n);
  void (*sum_squares)(const Rows& x, const float* mean, float* sum, std::size_t n);
  void (*sum_products)(const Rows& x, const Rows& dy, const Normalization&, float* sum, std::size_t n);
  void (*normalize)(const Normalization&, const float* x, float* y, std::size_t n);
  void (*normalize_gradient)(const NormalizationGradient&, const float* x, const float* dy, float* dx,
                             std::size_t n);
  void (*resample)(const Resampling&, float* y);
  // Numbers spread evenly over -1..1: a hash of (key, place).
  void (*noise)(std::uint64_t key, float* y, std::size_t n);
  // Whole registers are read and written.
  void (*smooth)(const Smoothing&, const float* x, float* y, std::size_t n);
  // y = factor y + add, kept within 0..white.
  void (*adjust)(float factor, const float* add, float white, float* y, std::size_t n);
};

extern const Kernels kPortableKernels;
#ifdef OPTOTYPE_X86
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
const Kernels* amx_table();  // null where the system does not lend this process the tiles
#endif

// The tables this processor can run, the fastest last; `count` receives how many.
const Kernels* const* available_kernels(int* count);

// The table of that name, or null where there is none or this processor cannot run it.
const Kernels* kernels_for(const char* name);

}  // namespace optotype
