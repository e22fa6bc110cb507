// The geometry of a window that slides over a zero-padded image, with the image as one-dimensional memory.
//
// Rows of pixels are `pitch` apart, so wide that the padding right of one row is also the padding left of the next.
// Then position (i, j) of the window reads pixel p + i * pitch + j for output p, for every p. Outputs beyond out_width
// at the end of a row have no meaning: they are computed but not used, and their gradient is zero.
#pragma once

#include <algorithm>
#include <cstddef>

#include "tensor/shape.hpp"

namespace optotype {

struct Window {
  int height, width;  // of the window
  int top, left;      // rows and columns of zero padding before the image
  int in_height, in_width, out_height, out_width;
  int pitch;

  int image_rows() const { return out_height + height - 1; }  // including padding
  int outputs() const { return out_height * pitch; }
  int span() const { return (height - 1) * pitch + width - 1; }  // from the first pixel of the window to its last
  int image_offset() const { return top * pitch + left; }        // of the first pixel of the image in its padding
};

// With `same`, the output has the size of the input; for an even window, the larger padding is below and right, as in
// Keras. The pitch is a multiple of `unit`.
inline Window make_window(Shape input, int height, int width, bool same, int unit) {
  const int rows = same ? height - 1 : 0, columns = same ? width - 1 : 0;  // of padding
  const int right = columns - columns / 2;
  return {.height = height,
          .width = width,
          .top = rows / 2,
          .left = columns / 2,
          .in_height = input.height,
          .in_width = input.width,
          .out_height = input.height + rows - height + 1,
          .out_width = input.width + columns - width + 1,
          .pitch = static_cast<int>(round_up(input.width + right, unit))};
}

}  // namespace optotype
