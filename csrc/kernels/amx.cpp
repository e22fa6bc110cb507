// AMX tiles: 16 rows of 64 bytes each. A product keeps four tiles of sums and multiplies two tiles of A by two of B.
//
// The instructions are inline assembly: the tile intrinsics of GCC 12 do not declare which memory they read, and the
// compiler moved code across them.
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernels/bf16.hpp"
#include "kernels/kernels.hpp"

namespace optotype {
namespace {

constexpr int kTile = 16;  // rows of a tile, and its single-precision columns

struct alignas(64) TileConfig {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t column_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

#define LOAD(tile, from, stride) asm volatile("tileloadd (%0,%1,1), %%tmm" #tile : : "r"(from), "r"(stride) : "memory")
#define STORE(tile, to, stride) asm volatile("tilestored %%tmm" #tile ", (%0,%1,1)" : : "r"(to), "r"(stride) : "memory")
#define ZERO(tile) asm volatile("tilezero %%tmm" #tile : :)
#define MULTIPLY(sum, a, b) asm volatile("tdpbf16ps %%tmm" #b ", %%tmm" #a ", %%tmm" #sum : :)

void configure_tiles() {
  const TileConfig config;
  asm volatile("ldtilecfg %0" : : "m"(config));
}

void release_tiles() { asm volatile("tilerelease" : :); }

void multiply_block(const TileBlock& p) {
  const std::ptrdiff_t a_stride = p.a_row * 2, b_stride = 4 * kPanel, c_stride = kPanel * sizeof(float);
  const Bf16* b = p.b;
  float* const lower = p.c + kTile * kPanel;
  if (p.add) {
    LOAD(0, p.c, c_stride);
    LOAD(1, p.c + kTile, c_stride);
    LOAD(2, lower, c_stride);
    LOAD(3, lower + kTile, c_stride);
  } else {
    ZERO(0);
    ZERO(1);
    ZERO(2);
    ZERO(3);
  }
  for (int o = 0; o < p.outer; ++o) {
    const Bf16* a = p.a + o * p.a_outer;
    for (int s = 0; s < p.steps; ++s, a += 32, b += kTile * 2 * kPanel) {
      LOAD(4, a, a_stride);
      LOAD(6, b, b_stride);
      MULTIPLY(0, 4, 6);
      if (p.two_columns) {
        LOAD(7, b + 32, b_stride);
        MULTIPLY(1, 4, 7);
      }
      if (p.two_rows) {
        LOAD(5, a + p.a_half, a_stride);
        MULTIPLY(2, 5, 6);
        if (p.two_columns) MULTIPLY(3, 5, 7);
      }
    }
  }
  STORE(0, p.c, c_stride);
  if (p.two_columns) STORE(1, p.c + kTile, c_stride);
  if (!p.two_rows) return;
  STORE(2, lower, c_stride);
  if (p.two_columns) STORE(3, lower + kTile, c_stride);
}

void multiply(const TileProduct& p) {
  alignas(64) float sums[kPanel * kPanel];
  multiply_block({.a = p.a,
                  .a_row = p.a_row,
                  .a_half = kTile * p.a_row,
                  .a_outer = 0,
                  .b = p.b,
                  .c = sums,
                  .two_rows = p.rows > kTile,
                  .two_columns = true,
                  .outer = 1,
                  .steps = p.steps,
                  .add = false});
  for (int i = 0; i < p.rows; ++i)
    for (int j = 0; j < kPanel; ++j) p.c[i * p.c_row + j] = p.start[j] + sums[i * kPanel + j];
}

inline __m512 gradient(Activation activation, __m512 y, __m512 dy) {
  const __m512 one = _mm512_set1_ps(1.0f);
  switch (activation) {
    case Activation::linear:
      return dy;
    case Activation::relu:
      return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(y, _mm512_setzero_ps(), _CMP_GT_OQ), dy);
    case Activation::tanh:
      return _mm512_mul_ps(dy, _mm512_fnmadd_ps(y, y, one));
    case Activation::sigmoid:
      return _mm512_mul_ps(dy, _mm512_mul_ps(y, _mm512_sub_ps(one, y)));
  }
  return dy;
}

void conv_epilogue_gradient(const ConvEpilogueGradient& e, Bf16* dz, float* bias) {
  const __mmask32 mask = static_cast<__mmask32>((std::uint64_t{1} << e.channels) - 1);
  const __mmask16 low = static_cast<__mmask16>(mask), high = static_cast<__mmask16>(mask >> 16);
  const std::uint8_t* argmax = e.argmax;
  __m512 sums[2] = {_mm512_loadu_ps(bias), _mm512_loadu_ps(bias + 16)};
  for (int row = 0; row < e.rows; ++row)
    for (int column = 0; column < e.columns; ++column) {
      const std::ptrdiff_t at = (static_cast<std::ptrdiff_t>(row) * e.columns + column) * e.y_pixel;
      const __m512 d0 =
          gradient(e.activation, _mm512_maskz_loadu_ps(low, e.y + at), _mm512_maskz_loadu_ps(low, e.dy + at));
      const __m512 d1 = gradient(e.activation, _mm512_maskz_loadu_ps(high, e.y + at + 16),
                                 _mm512_maskz_loadu_ps(high, e.dy + at + 16));
      sums[0] = _mm512_add_ps(sums[0], d0);
      sums[1] = _mm512_add_ps(sums[1], d1);
      const __m512i d = (__m512i)_mm512_cvtne2ps_pbh(d1, d0);
      Bf16* to = dz + row * e.window_height * e.dz_row + column * e.window_width * e.dz_pixel;
      if (!argmax) {
        _mm512_mask_storeu_epi16(to, mask, d);
        continue;
      }
      const __m256i index = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(argmax));
      argmax += kPanel;
      __m256i position = _mm256_setzero_si256();
      for (int i = 0; i < e.window_height; ++i)
        for (int j = 0; j < e.window_width; ++j) {
          const __mmask32 is_maximum = _mm256_cmpeq_epi8_mask(index, position);
          _mm512_mask_storeu_epi16(to + i * e.dz_row + j * e.dz_pixel, mask, _mm512_maskz_mov_epi16(is_maximum, d));
          position = _mm256_add_epi8(position, _mm256_set1_epi8(1));
        }
    }
  _mm512_storeu_ps(bias, sums[0]);
  _mm512_storeu_ps(bias + 16, sums[1]);
}

void interleave(const Interleaving& rows, const Bf16* x, std::ptrdiff_t x_row, Bf16* y, int n) {
  for (int p = 0; p < n; p += 32, x += 32)
    for (int k = 0; k < rows.rows; ++k, y += 32) {
      const __m512i from = _mm512_load_si512(rows.from[k]);
      __m512i interleaved = _mm512_setzero_si512();
      for (int i = 0; i < rows.rows; ++i)
        interleaved =
            _mm512_mask_permutexvar_epi16(interleaved, rows.masks[k][i], from, _mm512_loadu_si512(x + i * x_row));
      _mm512_storeu_si512(y, interleaved);
    }
}

void pair_rows(const Bf16* x, std::ptrdiff_t x_row, Bf16* y, int rows) {
  static const Interleaving two(2);
  const __m512i first = _mm512_load_si512(two.from[0]), second = _mm512_load_si512(two.from[1]);
  const __mmask32 odd = two.masks[0][1];
  for (int i = 0; i < rows; i += 2, x += 2 * x_row, y += 2 * kPanel) {
    const __m512i a = _mm512_loadu_si512(x), b = _mm512_loadu_si512(x + x_row);
    _mm512_storeu_si512(y, _mm512_mask_permutexvar_epi16(_mm512_permutexvar_epi16(first, a), odd, first, b));
    _mm512_storeu_si512(y + kPanel, _mm512_mask_permutexvar_epi16(_mm512_permutexvar_epi16(second, a), odd, second, b));
  }
}

inline __m256i round_to_bf16(const float* x) { return (__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(x)); }

void pack_rows(const float* x, std::ptrdiff_t x_row, Bf16* y, std::ptrdiff_t y_row, int rows, int n) {
  for (int i = 0; i < rows; ++i, x += x_row, y += y_row) {
    int j = 0;
    for (; j + 16 <= n; j += 16) _mm256_storeu_si256(reinterpret_cast<__m256i*>(y + j), round_to_bf16(x + j));
    const __mmask16 remaining = static_cast<__mmask16>((1u << (n - j)) - 1);
    if (remaining)
      _mm256_mask_storeu_epi16(y + j, remaining, (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(remaining, x + j)));
  }
}

inline __m512i pair(const float* low, const float* high) {
  const __m512i first = _mm512_cvtepu16_epi32(round_to_bf16(low));
  const __m512i second = high ? _mm512_cvtepu16_epi32(round_to_bf16(high)) : _mm512_setzero_si512();
  return _mm512_or_si512(first, _mm512_slli_epi32(second, 16));
}

void pack_pairs(const float* x, std::ptrdiff_t x_row, Bf16* y, std::ptrdiff_t y_pair, int rows, int n) {
  for (int i = 0; i < rows; i += 2)
    for (int j = 0; j < n; j += 16) {
      const float* low = x + i * x_row + j;
      _mm512_storeu_si512(y + i / 2 * y_pair + 2 * j, pair(low, i + 1 < rows ? low + x_row : nullptr));
    }
}

// Transposes 16 rows of 16 32-bit values, in four rounds that exchange blocks of growing size.
inline void transpose(__m512i (&r)[16]) {
  __m512i t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4)
    for (int k = 0; k < 2; ++k) {
      r[i + 2 * k] = _mm512_unpacklo_epi64(t[i + k], t[i + 2 + k]);
      r[i + 2 * k + 1] = _mm512_unpackhi_epi64(t[i + k], t[i + 2 + k]);
    }
  for (int i = 0; i < 16; i += 8)
    for (int k = 0; k < 4; ++k) {
      t[i + k] = _mm512_shuffle_i32x4(r[i + k], r[i + 4 + k], 0x88);
      t[i + 4 + k] = _mm512_shuffle_i32x4(r[i + k], r[i + 4 + k], 0xdd);
    }
  for (int k = 0; k < 8; ++k) {
    r[k] = _mm512_shuffle_i32x4(t[k], t[8 + k], 0x88);
    r[8 + k] = _mm512_shuffle_i32x4(t[k], t[8 + k], 0xdd);
  }
}

void pack_columns(const float* x, std::ptrdiff_t x_row, Bf16* y, std::ptrdiff_t y_row, int rows, int n) {
  const __mmask16 mask = static_cast<__mmask16>((1u << ((rows + 1) / 2)) - 1);
  for (int j = 0; j < n; j += 16) {
    __m512i pairs[16] = {};
    for (int i = 0; i < rows; i += 2) {
      const float* low = x + i * x_row + j;
      pairs[i / 2] = pair(low, i + 1 < rows ? low + x_row : nullptr);
    }
    transpose(pairs);
    for (int k = 0; k < 16; ++k) _mm512_mask_storeu_epi32(y + (j + k) * y_row, mask, pairs[k]);
  }
}

void pack_transposed_pairs(const float* x, std::ptrdiff_t x_row, Bf16* y, std::ptrdiff_t y_pair, int rows) {
  for (int i = 0; i < rows; i += 16) {
    __m512i pairs[16] = {};
    for (int k = 0; k < 16 && i + k < rows; ++k) {
      const __m256i low = round_to_bf16(x + (i + k) * x_row), high = round_to_bf16(x + (i + k) * x_row + 16);
      pairs[k] = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    }
    transpose(pairs);
    for (int k = 0; k < 16; ++k) _mm512_storeu_si512(y + k * y_pair + 2 * i, pairs[k]);
  }
}

const Bf16Kernels kBf16 = {
    .configure_tiles = configure_tiles,
    .release_tiles = release_tiles,
    .multiply_block = multiply_block,
    .multiply = multiply,
    .conv_epilogue_gradient = conv_epilogue_gradient,
    .pair_rows = pair_rows,
    .interleave = interleave,
    .pack_rows = pack_rows,
    .pack_pairs = pack_pairs,
    .pack_columns = pack_columns,
    .pack_transposed_pairs = pack_transposed_pairs,
};

}  // namespace

// All other kernels are those of AVX-512, which every processor with AMX has.
Kernels make_amx_kernels() {
  Kernels kernels = kAvx512Kernels;
  kernels.name = "amx";
  kernels.bf16 = &kBf16;
  return kernels;
}

const Kernels* amx_kernels() {
  // Linux permits a process to use tiles only on request (arch_prctl, ARCH_REQ_XCOMP_PERM, tile data).
  static const bool is_permitted = syscall(SYS_arch_prctl, 0x1023, 18) == 0;
  static const Kernels table = make_amx_kernels();
  return is_permitted ? &table : nullptr;
}

}  // namespace optotype
