// A window that slides over images with a border of zeros, all in one dimension.
//
// Rows of pixels lie `pitch` apart, wide enough that what is right of one row is also left of the next. Then the
// pixel of the image that place (i, j) of the window needs for output p is p + i * pitch + j, whatever p is. Outputs
// beyond out_width at the end of a row mean nothing: they are computed but not used, and their gradient is zero.
#pragma once

#include <algorithm>
#include <cstddef>

#include "network/shape.hpp"

namespace optotype {

struct Window {
  int height, width;  // of the window
  int top, left;      // rows and columns of zeros before the image
  int in_height, in_width, out_height, out_width;
  int pitch;

  int image_rows() const { return out_height + height - 1; }  // with the borders
  int outputs() const { return out_height * pitch; }
  int reach() const { return (height - 1) * pitch + width - 1; }  // from the window's first pixel to its last
  int inside() const { return top * pitch + left; }              // the image's first pixel within its borders
};

// With `same`, outputs are as many as inputs, and an even window's larger border lies below and right, as in Keras.
// The pitch is a multiple of `unit`.
inline Window make_window(Shape input, int height, int width, bool same, int unit) {
  const int rows = same ? height - 1 : 0, columns = same ? width - 1 : 0;  // of the borders
  const int right = columns - columns / 2;
  return {.height = height, .width = width, .top = rows / 2, .left = columns / 2,
          .in_height = input.height, .in_width = input.width,
          .out_height = input.height + rows - height + 1, .out_width = input.width + columns - width + 1,
          .pitch = static_cast<int>(round_up(input.width + right, unit))};
}

}  // namespace optotype
