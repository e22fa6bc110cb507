// Which instruction sets this processor has.
#include <cstring>

#include "kernels/kernels.hpp"

namespace optotype {

namespace {

struct Available {
  const Kernels* tables[3];
  int count = 0;

  Available() {
    tables[count++] = &kPortableKernels;
#ifdef OPTOTYPE_X86
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) tables[count++] = &kAvx2Kernels;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
      tables[count++] = &kAvx512Kernels;
#endif
  }
};

}  // namespace

const Kernels* const* available_kernels(int* count) {
  static const Available available;
  *count = available.count;
  return available.tables;
}

const Kernels* kernels_for(const char* name) {
  int count = 0;
  const Kernels* const* tables = available_kernels(&count);
  for (int i = 0; i < count; ++i)
    if (std::strcmp(tables[i]->name, name) == 0) return tables[i];
  return nullptr;
}

}  // namespace optotype
