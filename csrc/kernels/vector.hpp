// Vector types: a register of floats or of integers, with loads, stores and gathers.
//
// GCC compiles the operators on vectors to instructions of the processor. `Vector` is for values in registers: nothing
// aliases it, so they stay there. `VectorInMemory` is for loads and stores at any alignment.
#pragma once

#if OPTOTYPE_LANES > 4
#include <immintrin.h>
#endif

namespace optotype {
namespace {

typedef float Vector __attribute__((vector_size(4 * OPTOTYPE_LANES)));
typedef int IntVector __attribute__((vector_size(4 * OPTOTYPE_LANES)));
typedef float VectorInMemory __attribute__((vector_size(4 * OPTOTYPE_LANES), aligned(4), may_alias));

constexpr int kLanes = OPTOTYPE_LANES;

inline Vector load(const float* p) { return *reinterpret_cast<const VectorInMemory*>(p); }
inline void store(float* p, Vector v) { *reinterpret_cast<VectorInMemory*>(p) = v; }

// Copies at most 32 floats, in pieces of fixed sizes: a call to memcpy would cost more than the copy.
inline void copy_floats(float* to, const float* from, int n) {
  if (n == 32) {
    __builtin_memcpy(to, from, 128);
    return;
  }
  if (n & 16) __builtin_memcpy(to, from, 64), to += 16, from += 16;
  if (n & 8) __builtin_memcpy(to, from, 32), to += 8, from += 8;
  if (n & 4) __builtin_memcpy(to, from, 16), to += 4, from += 4;
  if (n & 2) __builtin_memcpy(to, from, 8), to += 2, from += 2;
  if (n & 1) *to = *from;
}

// Loads the first `lanes` elements; the others are zero.
inline Vector load_part(const float* p, int lanes) {
  if (lanes == kLanes) return load(p);
  float part[kLanes] = {};
  copy_floats(part, p, lanes);
  return load(part);
}

inline void store_part(float* p, Vector v, int lanes) {
  if (lanes == kLanes) return store(p, v);
  float part[kLanes];
  store(part, v);
  copy_floats(p, part, lanes);
}

// Conversions: to integers by truncation, and back.
inline IntVector truncated(Vector v) { return __builtin_convertvector(v, IntVector); }
inline Vector as_floats(IntVector v) { return __builtin_convertvector(v, Vector); }

// from[at] for each lane.
inline Vector gather(const float* from, IntVector at) {
#if OPTOTYPE_LANES == 16
  return _mm512_i32gather_ps(__builtin_bit_cast(__m512i, at), from, 4);
#elif OPTOTYPE_LANES == 8
  return _mm256_i32gather_ps(from, __builtin_bit_cast(__m256i, at), 4);
#else
  Vector v = {};
  for (int i = 0; i < kLanes; ++i) v[i] = from[at[i]];
  return v;
#endif
}

// 1 / sqrt(x) and 1 / x of normal positive numbers, to about 2e-7 of the result: the processor's estimate (12 or 14
// bits) and one step of Newton's method, several times as fast as a square root and a division.
#if OPTOTYPE_LANES == 16
inline Vector root_estimate(Vector x) { return _mm512_maskz_rsqrt14_ps(0xffff, x); }
inline Vector inverse_estimate(Vector x) { return _mm512_maskz_rcp14_ps(0xffff, x); }
#elif OPTOTYPE_LANES == 8
inline Vector root_estimate(Vector x) { return _mm256_rsqrt_ps(x); }
inline Vector inverse_estimate(Vector x) { return _mm256_rcp_ps(x); }
#endif

#if OPTOTYPE_LANES > 4
inline Vector inverse_root(Vector x) {
  const Vector y = root_estimate(x);
  return y * (1.5f - 0.5f * x * y * y);
}
inline Vector inverse(Vector x) {
  const Vector y = inverse_estimate(x);
  return y * (2.0f - x * y);
}
#else
inline Vector inverse_root(Vector x) {
  for (int i = 0; i < kLanes; ++i) x[i] = __builtin_sqrtf(x[i]);
  return 1.0f / x;
}
inline Vector inverse(Vector x) { return 1.0f / x; }
#endif

}  // namespace
}  // namespace optotype
