// The table of one instruction set. The including file defines OPTOTYPE_LANES (floats in a register),
// OPTOTYPE_TILE_ROWS (rows of a tile whose sums stay in registers), OPTOTYPE_TABLE and OPTOTYPE_NAME.
//
// All kernels are in an unnamed namespace and call no function of the standard library. Otherwise the linker could
// choose, for all processors, the copy of a shared inline function that was compiled for a newer one.
#pragma once

#include "augmentation.hpp"
#include "conv_epilogue.hpp"
#include "elementwise.hpp"
#include "gemm.hpp"
#include "kernels/kernels.hpp"
#include "normalization.hpp"
#include "optimizers.hpp"
#include "pooling.hpp"
#include "transpose.hpp"

namespace optotype {

extern const Kernels OPTOTYPE_TABLE;

const Kernels OPTOTYPE_TABLE = {
    .name = OPTOTYPE_NAME,
    .bf16 = nullptr,
    .gemm = gemm,
    .scale_bytes = scale_bytes,
    .scale_floats = scale_floats,
    .add = add,
    .activate = activate,
    .activation_gradient = activation_gradient,
    .dropout = dropout,
    .update = update,
    .transpose = transpose,
    .max_pool = max_pool,
    .max_pool_gradient = max_pool_gradient,
    .conv_epilogue = conv_epilogue,
    .conv_epilogue_gradient = conv_epilogue_gradient,
    .sum_rows = sum_rows,
    .sum_squares = sum_squares,
    .sum_products = sum_products,
    .normalize = normalize,
    .normalize_gradient = normalize_gradient,
    .resample = resample,
    .noise = noise,
    .smooth = smooth,
    .scale_and_clamp = scale_and_clamp,
};

}  // namespace optotype
