#include "network/weights.hpp"

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
  const int last = blocks_per_panel_ - 1, place = index % blocks_per_panel_, row = place * kBlockRows;
  return {index / blocks_per_panel_, row, place == last ? rows_ - row : kBlockRows, place == last};
}

void Weights::prepare(OptimizerState state) {
  first_ = state.first ? Buffer(size()) : Buffer();
  second_ = state.second ? Buffer(size()) : Buffer();
}

void Weights::update(const Block& block, const float* gradient, Update step, const Kernels& kernels) {
  const std::ptrdiff_t at = block.panel * panel_size() + static_cast<std::ptrdiff_t>(block.row) * kPanel;
  step.gradient = gradient;
  step.weights = values_.data() + at;
  step.first = first_.data() ? first_.data() + at : nullptr;
  step.second = second_.data() ? second_.data() + at : nullptr;
  kernels.update(step, static_cast<std::size_t>(block.rows + block.bias) * kPanel);
}

void Weights::read_kernel(float* out) const {
  for (int row = 0; row < rows_; ++row)
    for (int column = 0; column < columns_; ++column) *out++ = *at(row, column);
}

void Weights::read_bias(float* out) const {
  for (int column = 0; column < columns_; ++column) *out++ = *at(rows_, column);
}

void Weights::write_kernel(const float* in) {
  for (int row = 0; row < rows_; ++row)
    for (int column = 0; column < columns_; ++column) *at(row, column) = *in++;
}

void Weights::write_bias(const float* in) {
  for (int column = 0; column < columns_; ++column) *at(rows_, column) = *in++;
}

}  // namespace optotype
