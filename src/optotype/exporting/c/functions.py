"""The layers as C99 functions on float32; an exported source contains those that its network uses.

Images have the shape (height, width, channels), as in Keras. Sizes are int32_t because an int may have 16 bits. The
innermost loop runs over filters or units, which are adjacent in memory, so that a compiler can use vector instructions.
"""

from typing import Final

FUNCTIONS: Final = {
    "dense": """\
static void dense(const float *restrict x, int32_t inputs, const float *restrict kernel,
                  const float *restrict bias, int32_t units, float *restrict out)
{
    int32_t i, unit;
    for (unit = 0; unit < units; unit++)
        out[unit] = bias[unit];
    for (i = 0; i < inputs; i++)
        for (unit = 0; unit < units; unit++)
            out[unit] += x[i] * kernel[i * units + unit];
}
""",
    "conv2d": """\
/* top and left: rows and columns of zero padding before the image */
static void conv2d(const float *restrict x, int32_t height, int32_t width, int32_t channels,
                   const float *restrict kernel, const float *restrict bias, int32_t kernel_height,
                   int32_t kernel_width, int32_t filters, int32_t top, int32_t left,
                   int32_t out_height, int32_t out_width, float *restrict out)
{
    int32_t i, j, row, column, channel, filter;
    for (i = 0; i < out_height; i++)
        for (j = 0; j < out_width; j++) {
            float *restrict sums = out + (i * out_width + j) * filters;
            for (filter = 0; filter < filters; filter++)
                sums[filter] = bias[filter];
            for (row = 0; row < kernel_height; row++)
                for (column = 0; column < kernel_width; column++) {
                    const int32_t y = i + row - top, z = j + column - left;
                    const float *restrict weights = kernel + (row * kernel_width + column) * channels * filters;
                    if (y < 0 || y >= height || z < 0 || z >= width)
                        continue;
                    for (channel = 0; channel < channels; channel++)
                        for (filter = 0; filter < filters; filter++)
                            sums[filter] += x[(y * width + z) * channels + channel]
                                            * weights[channel * filters + filter];
                }
        }
}
""",
    "max_pool": """\
/* in place: each result is written before the pixels that are still to be read */
static void max_pool(float *x, int32_t width, int32_t channels, int32_t pool_height, int32_t pool_width,
                     int32_t out_height, int32_t out_width)
{
    int32_t i, j, channel, row, column;
    for (i = 0; i < out_height; i++)
        for (j = 0; j < out_width; j++)
            for (channel = 0; channel < channels; channel++) {
                const float *window = x + (i * pool_height * width + j * pool_width) * channels + channel;
                float largest = window[0];
                for (row = 0; row < pool_height; row++)
                    for (column = 0; column < pool_width; column++)
                        if (window[(row * width + column) * channels] > largest)
                            largest = window[(row * width + column) * channels];
                x[(i * out_width + j) * channels + channel] = largest;
            }
}
""",
    "normalize": """\
static void normalize(float *x, int32_t positions, int32_t channels, const float *scale, const float *shift)
{
    int32_t i, channel;
    for (i = 0; i < positions; i++)
        for (channel = 0; channel < channels; channel++)
            x[i * channels + channel] = x[i * channels + channel] * scale[channel] + shift[channel];
}
""",
    "relu": """\
static void relu(float *x, int32_t n)
{
    int32_t i;
    for (i = 0; i < n; i++)
        x[i] = x[i] > 0.0f ? x[i] : 0.0f;
}
""",
    "hyperbolic_tangent": """\
static void hyperbolic_tangent(float *x, int32_t n)
{
    int32_t i;
    for (i = 0; i < n; i++)
        x[i] = tanhf(x[i]);
}
""",
    "sigmoid": """\
static void sigmoid(float *x, int32_t n)
{
    int32_t i;
    for (i = 0; i < n; i++)
        x[i] = 1.0f / (1.0f + expf(-x[i]));
}
""",
    "softmax": """\
static void softmax(float *x, int32_t n)
{
    int32_t i;
    float largest = x[0], sum = 0.0f;
    for (i = 1; i < n; i++)
        largest = x[i] > largest ? x[i] : largest;
    for (i = 0; i < n; i++) {
        x[i] = expf(x[i] - largest);
        sum += x[i];
    }
    for (i = 0; i < n; i++)
        x[i] /= sum;
}
""",
}
"""The functions by name."""

ACTIVATIONS: Final = {
    "relu": "relu",
    "tanh": "hyperbolic_tangent",
    "sigmoid": "sigmoid",
    "softmax": "softmax",
}
"""The function for each activation."""
