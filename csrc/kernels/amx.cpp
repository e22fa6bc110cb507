// The tiles of AMX: 16 rows of 64 bytes each. A product keeps four tiles of sums and feeds them from two tiles of A
// and two of B.
//
// The instructions are written out: GCC 12's intrinsics for tiles do not say which memory they read, and code around
// them was moved across.
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernels/bf16.hpp"
#include "kernels/kernels.hpp"

namespace optotype {
namespace {

constexpr int kTile = 16;  // rows of a tile, and single-precision columns

struct alignas(64) TileConfig {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t column_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

#define LOAD(tile, from, stride) \
  asm volatile("tileloadd (%0,%1,1), %%tmm" #tile : : "r"(from), "r"(stride) : "memory")
#define STORE(tile, to, stride) \
  asm volatile("tilestored %%tmm" #tile ", (%0,%1,1)" : : "r"(to), "r"(stride) : "memory")
#define ZERO(tile) asm volatile("tilezero %%tmm" #tile : :)
#define MULTIPLY(sum, a, b) asm volatile("tdpbf16ps %%tmm" #b ", %%tmm" #a ", %%tmm" #sum : :)

void enter_thread() {
  const TileConfig config;
  asm volatile("ldtilecfg %0" : : "m"(config));
}

void leave_thread() { asm volatile("tilerelease" : :); }

void multiply_tiles(const TileProduct& p, float* sums) {
  const std::ptrdiff_t a_stride = p.a_row * 2, b_stride = p.b_pair * 2, sum_stride = 32 * sizeof(float);
  const Bf16* b = p.b;
  ZERO(0);
  ZERO(1);
  ZERO(2);
  ZERO(3);
  for (int o = 0; o < p.outer; ++o) {
    const Bf16* a = p.a + o * p.a_outer;
    for (int s = 0; s < p.steps; ++s, a += 32, b += kTile * p.b_pair) {
      LOAD(4, a, a_stride);
      LOAD(6, b, b_stride);
      LOAD(7, b + 32, b_stride);
      MULTIPLY(0, 4, 6);
      MULTIPLY(1, 4, 7);
      if (p.rows > kTile) {
        LOAD(5, a + kTile * p.a_row, a_stride);
        MULTIPLY(2, 5, 6);
        MULTIPLY(3, 5, 7);
      }
    }
  }
  STORE(0, sums, sum_stride);
  STORE(1, sums + kTile, sum_stride);
  STORE(2, sums + kTile * 32, sum_stride);
  STORE(3, sums + kTile * 32 + kTile, sum_stride);
}

void multiply(const TileProduct& p) {
  alignas(64) float sums[32 * 32];
  multiply_tiles(p, sums);
  for (int i = 0; i < p.rows; ++i) {
    float* c = p.c + i * p.c_row;
    const float* start = p.start ? p.start : c;
    for (int j = 0; j < p.columns; ++j) c[j] = start[j] + sums[i * 32 + j];
  }
}

inline __m256i rounded(const float* x) {
  return (__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(x));
}

void pack_rows(const float* x, std::ptrdiff_t x_row, Bf16* y, std::ptrdiff_t y_row, int rows, int n) {
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < n; j += 16)
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(y + i * y_row + j), rounded(x + i * x_row + j));
}

inline __m512i pair(const float* low, const float* high) {
  const __m512i first = _mm512_cvtepu16_epi32(rounded(low));
  const __m512i second = high ? _mm512_cvtepu16_epi32(rounded(high)) : _mm512_setzero_si512();
  return _mm512_or_si512(first, _mm512_slli_epi32(second, 16));
}

void pack_pairs(const float* x, std::ptrdiff_t x_row, Bf16* y, std::ptrdiff_t y_pair, int rows, int n) {
  for (int i = 0; i < rows; i += 2)
    for (int j = 0; j < n; j += 16) {
      const float* low = x + i * x_row + j;
      _mm512_storeu_si512(y + i / 2 * y_pair + 2 * j, pair(low, i + 1 < rows ? low + x_row : nullptr));
    }
}

// Transposes 16 rows of 16 32-bit numbers, in four rounds of swapping ever larger parts.
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
  const __mmask16 kept = static_cast<__mmask16>((1u << ((rows + 1) / 2)) - 1);
  for (int j = 0; j < n; j += 16) {
    __m512i pairs[16] = {};
    for (int i = 0; i < rows; i += 2) {
      const float* low = x + i * x_row + j;
      pairs[i / 2] = pair(low, i + 1 < rows ? low + x_row : nullptr);
    }
    transpose(pairs);
    for (int k = 0; k < 16; ++k) _mm512_mask_storeu_epi32(y + (j + k) * y_row, kept, pairs[k]);
  }
}

void pack_transposed_pairs(const float* x, std::ptrdiff_t x_row, Bf16* y, std::ptrdiff_t y_pair, int rows) {
  for (int i = 0; i < rows; i += 16) {
    __m512i pairs[16] = {};
    for (int k = 0; k < 16 && i + k < rows; ++k) {
      const __m256i low = rounded(x + (i + k) * x_row), high = rounded(x + (i + k) * x_row + 16);
      pairs[k] = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    }
    transpose(pairs);
    for (int k = 0; k < 16; ++k) _mm512_storeu_si512(y + k * y_pair + 2 * i, pairs[k]);
  }
}

const Bf16Kernels kBf16 = {enter_thread, leave_thread, multiply, pack_rows, pack_pairs, pack_columns, pack_transposed_pairs};

}  // namespace

// The rest is as with AVX-512, which every processor with tiles has.
Kernels with_tiles() {
  Kernels kernels = kAvx512Kernels;
  kernels.name = "amx";
  kernels.bf16 = &kBf16;
  return kernels;
}

const Kernels* amx_table() {
  // Linux lends a process the tiles only when asked (arch_prctl, ARCH_REQ_XCOMP_PERM, tile data).
  static const bool granted = syscall(SYS_arch_prctl, 0x1023, 18) == 0;
  static const Kernels table = with_tiles();
  return granted ? &table : nullptr;
}

}  // namespace optotype
