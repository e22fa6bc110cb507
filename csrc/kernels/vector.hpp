// A register of floats, and how it meets memory.
//
// GCC makes the processor's own instructions of the operators on vectors. Numbers in registers are of the first type,
// which nothing else aliases, so that they stay there; memory is read and written through the second, which may lie
// anywhere.
#pragma once

namespace optotype {
namespace {

typedef float Vector __attribute__((vector_size(4 * OPTOTYPE_LANES)));
typedef float VectorInMemory __attribute__((vector_size(4 * OPTOTYPE_LANES), aligned(4), may_alias));

constexpr int kLanes = OPTOTYPE_LANES;

inline Vector load(const float* p) { return *reinterpret_cast<const VectorInMemory*>(p); }
inline void store(float* p, Vector v) { *reinterpret_cast<VectorInMemory*>(p) = v; }

// The first `lanes` of a register; the others are zero.
inline Vector load_part(const float* p, int lanes) {
  if (lanes == kLanes) return load(p);
  Vector v = {};
  for (int i = 0; i < lanes; ++i) v[i] = p[i];
  return v;
}

inline void store_part(float* p, Vector v, int lanes) {
  if (lanes == kLanes) return store(p, v);
  for (int i = 0; i < lanes; ++i) p[i] = v[i];
}

// Copies at most a panel of floats, in pieces of fixed sizes: a call of memcpy costs more than such a copy.
inline void store_floats(float* to, const float* from, int n) {
  int i = 0;
  for (; i + kLanes <= n; i += kLanes) store(to + i, load(from + i));
  if ((n - i) & 8) __builtin_memcpy(to + i, from + i, 32), i += 8;
  if ((n - i) & 4) __builtin_memcpy(to + i, from + i, 16), i += 4;
  if ((n - i) & 2) __builtin_memcpy(to + i, from + i, 8), i += 2;
  if ((n - i) & 1) to[i] = from[i];
}

}  // namespace
}  // namespace optotype
