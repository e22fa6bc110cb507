// A weight matrix with a row of biases below it, in panels of 32 columns: [panel][row][32].
//
// The unit of work is a block of up to 32 rows of one panel. A block is contiguous, its gradient fits into the
// first-level cache, and one thread owns it in each step. The biases belong to the last block of their panel.
#pragma once

#include "kernels/kernels.hpp"
#include "tensor/buffer.hpp"

namespace optotype {

class Weights {
 public:
  Weights(int rows, int columns);

  int rows() const { return rows_; }
  int columns() const { return columns_; }
  int panels() const { return panels_; }
  int blocks() const { return panels_ * blocks_per_panel_; }
  std::size_t size() const { return static_cast<std::size_t>(panels_) * (rows_ + 1) * kPanel; }

  const float* panel(int p) const { return values_.data() + p * panel_size(); }
  const float* bias(int p) const { return panel(p) + static_cast<std::size_t>(rows_) * kPanel; }
  std::ptrdiff_t panel_size() const { return static_cast<std::ptrdiff_t>(rows_ + 1) * kPanel; }
  int panel_columns(int p) const { return columns_ - p * kPanel < kPanel ? columns_ - p * kPanel : kPanel; }

  struct Block {
    int panel, row, rows;  // rows without the biases
    bool has_bias;         // whether the row of biases follows
  };
  Block block(int index) const;

  void allocate_state(OptimizerState);
  // Applies the optimizer to a block, given its gradient: rows of 32, the biases last if the block has them.
  void update(const Block&, const float* gradient, Update, const Kernels&);

  void read_kernel(float* out) const;  // (rows, columns)
  void read_bias(float* out) const;    // (columns,)
  void write_kernel(const float* in);
  void write_bias(const float* in);

 private:
  float* element(int row, int column) const {
    return values_.data() + (column / kPanel) * panel_size() + static_cast<std::ptrdiff_t>(row) * kPanel +
           column % kPanel;
  }

  int rows_, columns_, panels_, blocks_per_panel_;
  Buffer values_, m_, v_;
};

}  // namespace optotype
