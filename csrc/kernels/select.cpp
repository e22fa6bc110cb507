// The selection of an instruction set at run time.
#ifdef OPTOTYPE_X86
#include <cpuid.h>
#endif

#include <cstring>

#include "kernels/kernels.hpp"

namespace optotype {

namespace {

#ifdef OPTOTYPE_X86
// GCC 12's __builtin_cpu_supports does not know these features (CPUID leaf 7: AMX-BF16, AMX-TILE; subleaf 1:
// AVX512_BF16).
bool has_amx() {
  unsigned a = 0, b = 0, c = 0, d = 0, a1 = 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  const bool tiles = (d >> 22 & 1) && (d >> 24 & 1);
  return tiles && __get_cpuid_count(7, 1, &a1, &b, &c, &d) && (a1 >> 5 & 1);
}
#endif

struct AvailableKernels {
  const Kernels* tables[4];
  int count = 0;

  AvailableKernels() {
    tables[count++] = &kPortableKernels;
#ifdef OPTOTYPE_X86
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) tables[count++] = &kAvx2Kernels;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
      tables[count++] = &kAvx512Kernels;
    if (has_amx() && amx_kernels()) tables[count++] = amx_kernels();
#endif
  }
};

}  // namespace

const Kernels* const* available_kernels(int* count) {
  static const AvailableKernels available;
  *count = available.count;
  return available.tables;
}

const Kernels* find_kernels(const char* name) {
  int count = 0;
  const Kernels* const* tables = available_kernels(&count);
  for (int i = 0; i < count; ++i)
    if (std::strcmp(tables[i]->name, name) == 0) return tables[i];
  return nullptr;
}

}  // namespace optotype
