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

}  // namespace
}  // namespace optotype
