"""Statistics of pixel values in the range 0 .. 1, for data sets that may be larger than memory."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
_CHUNK: Final = 1024
_MAX_VALUE: Final = 255.0


@dataclass(frozen=True)
class ChannelStatistics:
    """Mean and standard deviation of each channel over all pixels of all images, in 0 .. 1."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


def channel_statistics(images: Images) -> ChannelStatistics:
    """Compute mean and standard deviation of each channel.

    Args:
        images: uint8 of shape (n, height, width, channels), n at least 1.

    Returns:
        Population mean and standard deviation of each channel, exact except for the final rounding.
    """
    channels = images.shape[3]
    # Counting the 256 values is exact, and its memory does not grow with the number of images.
    counts = np.zeros((channels, 256), np.int64)
    for start in range(0, len(images), _CHUNK):
        chunk = images[start : start + _CHUNK]
        for channel in range(channels):
            counts[channel] += np.bincount(chunk[..., channel].ravel(), minlength=256)
    values = np.arange(256) / _MAX_VALUE
    fractions = counts / counts.sum(axis=1, keepdims=True)
    mean = fractions @ values
    std = np.sqrt((fractions * (values - mean[:, np.newaxis]) ** 2).sum(axis=1))
    return ChannelStatistics(tuple(mean.tolist()), tuple(std.tolist()))


def brightness_and_contrast(images: Images) -> NDArray[np.float64]:
    """Compute brightness and contrast of each image.

    Args:
        images: uint8 of shape (n, height, width, channels).

    Returns:
        float64 of shape (n, 2): mean and standard deviation of the pixel values, in 0 .. 1.
    """
    result = np.empty((len(images), 2))
    for start in range(0, len(images), _CHUNK):
        chunk = images[start : start + _CHUNK].reshape(-1, int(np.prod(images.shape[1:]))) / _MAX_VALUE
        result[start : start + _CHUNK, 0] = chunk.mean(axis=1)
        result[start : start + _CHUNK, 1] = chunk.std(axis=1)
    return result
