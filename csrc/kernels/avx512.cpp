// The kernels for AVX-512: 12 x 2 registers of sums, 2 of B and one of A, of thirty-two.
#define OPTOTYPE_LANES 16
#define OPTOTYPE_TILE_ROWS 12
#define OPTOTYPE_TABLE kAvx512Kernels
#define OPTOTYPE_NAME "avx512"
#include "table.hpp"
