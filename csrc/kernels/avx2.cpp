// The kernels for AVX2 with FMA. Of the sixteen registers, 6 x 2 hold sums, 2 hold B and one holds A.
#define OPTOTYPE_LANES 8
#define OPTOTYPE_TILE_ROWS 6
#define OPTOTYPE_TABLE kAvx2Kernels
#define OPTOTYPE_NAME "avx2"
#include "table.hpp"
