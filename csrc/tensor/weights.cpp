#include "tensor/weights.hpp"

namespace optotype {

namespace {
constexpr int kBlockRows = 32;
}

Weights::Weights(int rows, int columns)
    : rows_(rows),
      columns_(columns),
      panels_((columns + kPanel - 1) / kPanel),
      blocks_per_panel_((rows + kBlockRows - 1) / kBlockRows),
      values_(size()) {}

Weights::Block Weights::block(int index) const {
  const int position = index % blocks_per_panel_, row = position * kBlockRows;
  const bool is_last = position == blocks_per_panel_ - 1;
  return {index / blocks_per_panel_, row, is_last ? rows_ - row : kBlockRows, is_last};
}

void Weights::allocate_state(OptimizerState state) {
  m_ = state.m ? Buffer(size()) : Buffer();
  v_ = state.v ? Buffer(size()) : Buffer();
}

void Weights::update(const Block& block, const float* gradient, Update step, const Kernels& kernels) {
  const std::ptrdiff_t offset = block.panel * panel_size() + static_cast<std::ptrdiff_t>(block.row) * kPanel;
  step.gradient = gradient;
  step.weights = values_.data() + offset;
  step.m = m_.data() ? m_.data() + offset : nullptr;
  step.v = v_.data() ? v_.data() + offset : nullptr;
  kernels.update(step, static_cast<std::size_t>(block.rows + block.has_bias) * kPanel);
}

void Weights::read_kernel(float* out) const {
  for (int row = 0; row < rows_; ++row)
    for (int column = 0; column < columns_; ++column) *out++ = *element(row, column);
}

void Weights::read_bias(float* out) const {
  for (int column = 0; column < columns_; ++column) *out++ = *element(rows_, column);
}

void Weights::write_kernel(const float* in) {
  for (int row = 0; row < rows_; ++row)
    for (int column = 0; column < columns_; ++column) *element(row, column) = *in++;
}

void Weights::write_bias(const float* in) {
  for (int column = 0; column < columns_; ++column) *element(rows_, column) = *in++;
}

}  // namespace optotype
