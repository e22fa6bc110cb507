// The kernels for any processor: four floats at a time, as SSE2 and NEON have them.
#define OPTOTYPE_LANES 4
#define OPTOTYPE_TILE_ROWS 4
#define OPTOTYPE_TABLE kPortableKernels
#define OPTOTYPE_NAME "portable"
#include "table.hpp"
