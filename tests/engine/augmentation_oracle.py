"""A reference implementation of augmentation in NumPy and double precision, following engine/augmentation.py."""

import numpy as np
from numpy.typing import NDArray

from optotype.engine.augmentation import AUGMENT, Augment
from optotype.randomness import bits, uniform

Doubles = NDArray[np.float64]


def draw_numbers(key: tuple[int, int], index: int) -> list[float]:
    """Return the random numbers u0 to u8 of an image."""
    numbers: list[float] = uniform(9, *key, AUGMENT, index).tolist()
    return numbers


def augment_image(image: Doubles, augment: Augment, key: tuple[int, int], index: int) -> Doubles:
    """Return the augmented image.

    Args:
        image: Of shape (height, width, channels), in 0..1.
        augment: The augmentation.
        key: (seed, epoch).
        index: Of the image in its data set.
    """
    u = draw_numbers(key, index)
    rows, columns = source_positions(augment, u, image.shape[:2])
    if augment.elastic:
        right, down = (field(augment, image.shape[:2], key, index, draw) for draw in (9, 10))
        rows, columns = rows + down, columns + right
    result: Doubles = bilinear(image, rows, columns, reflect=augment.padding == "reflect")
    mean = result.mean(axis=(0, 1))
    result = (result - mean) * (1 + (2 * u[5] - 1) * augment.contrast) + mean
    result = np.clip(result + (2 * u[6] - 1) * augment.brightness, 0, 1)
    height, width, _ = image.shape
    top, left = (
        int(centre) - augment.cutout // 2 for centre in (np.floor(u[7] * height), np.floor(u[8] * width))
    )
    result[max(top, 0) : max(top + augment.cutout, 0), max(left, 0) : max(left + augment.cutout, 0)] = 0
    return result


def source_positions(augment: Augment, u: list[float], sides: tuple[int, ...]) -> tuple[Doubles, Doubles]:
    """Return the row and column at which each pixel is read: inverse shift, rotation, scaling and flip."""
    height, width = sides
    shift = augment.shift
    y, x = np.mgrid[:height, :width].astype(float)
    y -= (height - 1) / 2 + np.floor(u[0] * (2 * shift + 1)) - shift
    x -= (width - 1) / 2 + np.floor(u[1] * (2 * shift + 1)) - shift
    angle = np.deg2rad((2 * u[3] - 1) * augment.rotation)
    factor = 1 + (2 * u[4] - 1) * augment.scale
    # Rows go down, so this rotates the image counter-clockwise.
    source_x = (np.cos(angle) * x - np.sin(angle) * y) / factor
    source_y = (np.sin(angle) * x + np.cos(angle) * y) / factor
    if augment.flip and u[2] >= 0.5:
        source_x = -source_x
    return source_y + (height - 1) / 2, source_x + (width - 1) / 2


def bilinear(image: Doubles, rows: Doubles, columns: Doubles, *, reflect: bool) -> Doubles:
    """Interpolate an image at fractional positions."""
    result = np.zeros((*rows.shape, image.shape[2]))
    for down in (0, 1):
        for right in (0, 1):
            row, column = np.floor(rows).astype(int) + down, np.floor(columns).astype(int) + right
            weight = (1 - abs(rows - row)) * (1 - abs(columns - column))
            result += weight[..., np.newaxis] * pixels(image, row, column, reflect=reflect)
    return result


def pixels(image: Doubles, row: NDArray[np.int64], column: NDArray[np.int64], *, reflect: bool) -> Doubles:
    """Return pixels of an image, including positions outside."""
    height, width, _ = image.shape
    if reflect:
        row, column = reflect_positions(row, height), reflect_positions(column, width)
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    values: Doubles = image[row.clip(0, height - 1), column.clip(0, width - 1)]
    return np.where(inside[..., np.newaxis], values, 0)


def reflect_positions(position: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Reflect positions outside 0 .. size - 1, as the mode "reflect" of np.pad."""
    if size == 1:
        return np.zeros_like(position)
    period = 2 * (size - 1)
    folded = position % period
    return np.minimum(folded, period - folded)


def field(augment: Augment, sides: tuple[int, ...], key: tuple[int, int], index: int, draw: int) -> Doubles:
    """Compute the displacement field in one direction."""
    height, width = sides
    sigma = augment.elastic_sigma
    reach = int(np.ceil(3 * sigma))
    gaussian = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    gaussian /= gaussian.sum()
    hashed = int(bits(draw + 1, *key, AUGMENT, index)[draw])
    plane = noise(hashed, (height + 2 * reach) * (width + 2 * reach)).reshape(height + 2 * reach, -1)
    for axis in (0, 1):
        plane = np.apply_along_axis(np.convolve, axis, plane, gaussian, "valid")
    return augment.elastic * plane


def noise(key: int, n: int) -> Doubles:
    """Return numbers in -1..1, a hash of (key, index), as in csrc/kernels/augmentation.hpp."""
    x = np.arange(n, dtype=np.uint32) + np.uint32(key & 0xFFFFFFFF)
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
    x = ((x ^ np.uint32(key >> 32)) ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return x.view(np.int32).astype(np.float64) * 2.0**-31
