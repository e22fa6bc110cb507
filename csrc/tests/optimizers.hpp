// The checks of the optimizers in the sanitizer program.
#pragma once

#include "kernels/kernels.hpp"

namespace optotype {

// Whether the changes of a step are correct to 1e-6, and weights stay finite with zero gradients and overflowing
// squares.
bool check_optimizers(const Kernels&);

}  // namespace optotype
