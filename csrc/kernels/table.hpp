// The table of one instruction set. The file that includes this defines OPTOTYPE_LANES (floats in a register),
// OPTOTYPE_TILE_ROWS (rows of a tile whose sums stay in registers), OPTOTYPE_TABLE and OPTOTYPE_NAME.
//
// Everything here lies in an unnamed namespace and uses no function of the standard library: a shared inline
// function, compiled for a newer processor, could otherwise be picked by the linker for all.
#pragma once

#include "augmentation.hpp"
#include "elementwise.hpp"
#include "finish.hpp"
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
    .finish = finish,
    .spread = spread,
    .sum_rows = sum_rows,
    .sum_squares = sum_squares,
    .sum_products = sum_products,
    .normalize = normalize,
    .normalize_gradient = normalize_gradient,
    .resample = resample,
    .noise = noise,
    .smooth = smooth,
    .adjust = adjust,
};

}  // namespace optotype
