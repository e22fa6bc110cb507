// The kernels for AVX2 with FMA: 6 x 2 registers of sums, 2 of B and one of A fill the sixteen.
#define OPTOTYPE_LANES 8
#define OPTOTYPE_TILE_ROWS 6
#define OPTOTYPE_TABLE kAvx2Kernels
#define OPTOTYPE_NAME "avx2"
#include "table.hpp"
