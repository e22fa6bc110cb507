// What the sanitizer program asks of the optimizers.
#pragma once

#include "kernels/kernels.hpp"

namespace optotype {

// Whether a step's changes are right to a millionth, and zero gradients and overflowing squares leave numbers.
bool check_optimizers(const Kernels&);

}  // namespace optotype
