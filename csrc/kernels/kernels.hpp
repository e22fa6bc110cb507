// The table of kernels: the arithmetic of all layers, one table of functions for each instruction set.
//
// The headers gemm.hpp, elementwise.hpp, ... are compiled once for each instruction set (portable.cpp, avx2.cpp,
// avx512.cpp), each time into a table of its own. Callers look up a table once with `find_kernels` and call through
// it. Results of two tables are equal up to rounding. Results of one table never depend on the number of threads.
#pragma once

#include <cstddef>
#include <cstdint>

namespace optotype {

// Weights are stored in panels of this many columns, and rows of activations are padded to a multiple of it.
constexpr int kPanel = 32;

// C[i][j] (+)= sum over o, k of A[i, o, k] * B[o, k][j], for i < rows and j < columns <= kPanel.
// Three strides address A, so one kernel serves dense layers (outer = 1), their weight gradients (A read down its
// columns) and convolutions directly on the image (o runs over the rows of the window). Each row of B is read up to
// kPanel columns wide, beyond `columns` too: those values are not used and other threads may be writing them.
struct Gemm {
  const float* a;
  std::ptrdiff_t a_row, a_outer, a_inner;
  const float* b;
  std::ptrdiff_t b_outer = 0, b_row;  // not needed if outer = 1
  float* c;
  std::ptrdiff_t c_row;
  int rows, columns, outer, inner;
  const float* start;  // the row of initial values of every sum; null: C itself
};

enum class Activation { linear, relu, tanh, sigmoid };

enum class OptimizerKind { sgd, rmsprop, adam };

// Hyperparameters, named as in Keras. Each optimizer reads its own; the others are zero.
struct Hyperparameters {
  float momentum = 0.0f, rho = 0.0f, beta_1 = 0.0f, beta_2 = 0.0f, epsilon = 0.0f;
};

// Which moments an optimizer keeps for each weight: m (velocity, or mean gradient), v (mean squared gradient).
struct OptimizerState {
  bool m = false, v = false;
};

// One optimizer step for n contiguous weights, n a multiple of kPanel; the formulas are in optimizers.hpp.
struct Update {
  OptimizerKind kind;
  float learning_rate;
  Hyperparameters hyperparameters;
  const float* gradient;
  float *weights, *m, *v;  // m and v are null if the optimizer does not keep them
};

// Max pooling with non-overlapping windows over an image of height x width x channels.
struct Pooling {
  int width, channels;
  int window_height, window_width;
  int out_height, out_width;
};

// What follows the sums of a convolution: bias, max pooling, activation. Input is z for some rows of the image and one
// panel of filters, [pixel][kPanel]; output is rows of y.
struct ConvEpilogue {
  const float* z;
  std::ptrdiff_t z_row;  // from one row of pixels to the next
  const float* bias;     // kPanel values
  Activation activation;
  int window_height, window_width;  // of max pooling; 1 x 1 for none
  int rows, columns;                // of y
  float* y;
  std::ptrdiff_t y_pixel;  // from one pixel of y to the next; rows are contiguous
  int channels;            // number of filters in the panel
  std::uint8_t* argmax;    // [pixel of y][kPanel]: position of the maximum in its window; null if not needed
};

// The gradient of ConvEpilogue for a whole image: from the gradient of y to the gradient of z.
struct ConvEpilogueGradient {
  const float *dy, *y;
  std::ptrdiff_t y_pixel;
  Activation activation;
  int window_height, window_width;
  int rows, columns;
  int channels;
  const std::uint8_t* argmax;       // null if windows are 1 x 1
  std::ptrdiff_t dz_row, dz_pixel;  // in elements
};

// Rows of n floats, `stride` apart.
struct Rows {
  const float* data;
  std::ptrdiff_t stride;
  int count;
};

// Dropout keeps an element if its 16 bits of a hash of (key, counter) are not below the threshold. Counter and length
// are multiples of kPanel.
struct Dropout {
  std::uint64_t key;
  std::uint32_t threshold;
  float scale;
};

// Batch normalization of each channel; `inverse` is 1 / sqrt(variance + epsilon).
struct Normalization {
  const float *mean, *inverse, *gamma, *beta;
};

// The gradient of batch normalization also needs the means over the batch of dy and of dy * x_hat.
struct NormalizationGradient {
  const float *mean, *inverse, *gamma, *mean_dy, *mean_dy_x;
};

// An affine map of an image, with an optional displacement field. Element i of a row is pixel columns[i], channel
// channel[i]. Output pixel (x, y) is read at input row row[0] x + row[1] y + row[2], input column likewise with
// column[...], by bilinear interpolation. Outside the image are zeros, or its reflection about its outermost pixels.
struct Resampling {
  const float* tile;  // the image with a border of zeros: one pixel before, two after, in both directions
  int pitch;          // from one row of the tile to the next
  int height, width, channels;
  const float *columns, *channel;  // padded to whole registers
  float column[3], row[3];
  bool reflect;
  const float *right, *down;  // displacement of each pixel; null for none
  int field_pitch;            // from one row of the displacement field to the next
};

// A one-dimensional filter: the sum over k < count of weights[k] x[k * step].
struct Smoothing {
  const float* weights;
  int count;
  std::ptrdiff_t step;
};

struct Bf16Kernels;

struct Kernels {
  const char* name;
  const Bf16Kernels* bf16;  // null if the instruction set has none
  void (*gemm)(const Gemm&);
  void (*scale_bytes)(const std::uint8_t* x, float scale, float* y, std::size_t n);
  void (*scale_floats)(const float* x, float scale, float* y, std::size_t n);
  void (*add)(const float* x, float* sum, std::size_t n);
  void (*activate)(Activation, float* y, std::size_t n);
  void (*activation_gradient)(Activation, const float* y, float* dy, std::size_t n);
  void (*dropout)(const Dropout&, std::uint32_t counter, const float* x, float* y, std::size_t n);
  void (*update)(const Update&, std::size_t n);
  // Transposes at most 32 rows of kPanel floats into kPanel rows of 32; missing rows count as zero.
  void (*transpose)(const float* x, float* y, int rows);
  void (*max_pool)(const Pooling&, const float* x, float* y);
  void (*max_pool_gradient)(const Pooling&, const float* x, const float* y, const float* dy, float* dx);
  void (*conv_epilogue)(const ConvEpilogue&);
  // Adds the gradient of the biases, kPanel values, to `bias`. Pixels outside all windows are not written.
  void (*conv_epilogue_gradient)(const ConvEpilogueGradient&, float* dz, float* bias);
  void (*sum_rows)(const Rows& x, float* sum, std::size_t n);
  void (*sum_squares)(const Rows& x, const float* mean, float* sum, std::size_t n);
  void (*sum_products)(const Rows& x, const Rows& dy, const Normalization&, float* sum, std::size_t n);
  void (*normalize)(const Normalization&, const float* x, float* y, std::size_t n);
  void (*normalize_gradient)(const NormalizationGradient&, const float* x, const float* dy, float* dx, std::size_t n);
  void (*resample)(const Resampling&, float* y);
  // Uniform noise in -1..1: a hash of (key, index).
  void (*noise)(std::uint64_t key, float* y, std::size_t n);
  // Reads and writes whole registers.
  void (*smooth)(const Smoothing&, const float* x, float* y, std::size_t n);
  // y = factor y + offset, clamped to 0..max.
  void (*scale_and_clamp)(float factor, const float* offset, float max, float* y, std::size_t n);
};

extern const Kernels kPortableKernels;
#ifdef OPTOTYPE_X86
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
const Kernels* amx_kernels();  // null if the operating system does not permit this process to use AMX
#endif

// The tables that this processor can run, the fastest last; writes their number to `count`.
const Kernels* const* available_kernels(int* count);

// The table with that name, or null if there is none or this processor cannot run it.
const Kernels* find_kernels(const char* name);

}  // namespace optotype
