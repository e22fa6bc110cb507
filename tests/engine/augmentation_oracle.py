"""Augmentation once more, in NumPy and double precision, pixel by pixel as engine/augmentation.py describes it."""

import numpy as np
from numpy.typing import NDArray

from optotype.engine.augmentation import AUGMENT, Augment
from optotype.randomness import bits, uniform

Doubles = NDArray[np.float64]


def draws(key: tuple[int, int], place: int) -> list[float]:
    """Give the random numbers u0 to u8 of an image."""
    numbers: list[float] = uniform(9, *key, AUGMENT, place).tolist()
    return numbers


def changed(image: Doubles, augment: Augment, key: tuple[int, int], place: int) -> Doubles:
    """Change one image.

    Args:
        image: Of shape (height, width, channels), in 0..1.
        augment: How.
        key: (seed, epoch).
        place: Of the image in its data set.
    """
    u = draws(key, place)
    rows, columns = places(augment, u, image.shape[:2])
    if augment.elastic:
        right, down = (field(augment, image.shape[:2], key, place, which) for which in (9, 10))
        rows, columns = rows + down, columns + right
    seen: Doubles = bilinear(image, rows, columns, reflect=augment.padding == "reflect")
    mean = seen.mean(axis=(0, 1))
    seen = (seen - mean) * (1 + (2 * u[5] - 1) * augment.contrast) + mean
    seen = np.clip(seen + (2 * u[6] - 1) * augment.brightness, 0, 1)
    height, width, _ = image.shape
    top, left = (
        int(each) - augment.cutout // 2 for each in (np.floor(u[7] * height), np.floor(u[8] * width))
    )
    seen[max(top, 0) : max(top + augment.cutout, 0), max(left, 0) : max(left + augment.cutout, 0)] = 0
    return seen


def places(augment: Augment, u: list[float], sides: tuple[int, ...]) -> tuple[Doubles, Doubles]:
    """Give the row and column at which each pixel is read, by undoing the shift, the turn, the scaling and the flip."""
    height, width = sides
    shift = augment.shift
    y, x = np.mgrid[:height, :width].astype(float)
    y -= (height - 1) / 2 + np.floor(u[0] * (2 * shift + 1)) - shift
    x -= (width - 1) / 2 + np.floor(u[1] * (2 * shift + 1)) - shift
    angle = np.deg2rad((2 * u[3] - 1) * augment.rotation)
    factor = 1 + (2 * u[4] - 1) * augment.scale
    # Rows go down, so that this turns the picture counter-clockwise.
    old_x = (np.cos(angle) * x - np.sin(angle) * y) / factor
    old_y = (np.sin(angle) * x + np.cos(angle) * y) / factor
    if augment.flip and u[2] >= 0.5:
        old_x = -old_x
    return old_y + (height - 1) / 2, old_x + (width - 1) / 2


def bilinear(image: Doubles, rows: Doubles, columns: Doubles, *, reflect: bool) -> Doubles:
    """Read an image between its pixels."""
    seen = np.zeros((*rows.shape, image.shape[2]))
    for down in (0, 1):
        for right in (0, 1):
            row, column = np.floor(rows).astype(int) + down, np.floor(columns).astype(int) + right
            weight = (1 - abs(rows - row)) * (1 - abs(columns - column))
            seen += weight[..., np.newaxis] * pixels(image, row, column, reflect=reflect)
    return seen


def pixels(image: Doubles, row: NDArray[np.int64], column: NDArray[np.int64], *, reflect: bool) -> Doubles:
    """Read an image's pixels, or what lies outside."""
    height, width, _ = image.shape
    if reflect:
        row, column = reflected(row, height), reflected(column, width)
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    found: Doubles = image[row.clip(0, height - 1), column.clip(0, width - 1)]
    return np.where(inside[..., np.newaxis], found, 0)


def reflected(place: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Fold places outside 0 .. size - 1 back, as np.pad's mode "reflect"."""
    if size == 1:
        return np.zeros_like(place)
    period = 2 * (size - 1)
    folded = place % period
    return np.minimum(folded, period - folded)


def field(augment: Augment, sides: tuple[int, ...], key: tuple[int, int], place: int, which: int) -> Doubles:
    """Make the elastic field in one direction."""
    height, width = sides
    sigma = augment.elastic_sigma
    reach = int(np.ceil(3 * sigma))
    gaussian = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    gaussian /= gaussian.sum()
    hashed = int(bits(which + 1, *key, AUGMENT, place)[which])
    plane = noise(hashed, (height + 2 * reach) * (width + 2 * reach)).reshape(height + 2 * reach, -1)
    for axis in (0, 1):
        plane = np.apply_along_axis(np.convolve, axis, plane, gaussian, "valid")
    return augment.elastic * plane


def noise(key: int, n: int) -> Doubles:
    """Give numbers in -1..1 as a hash of (key, place), as csrc/kernels/elementwise.hpp's."""
    x = np.arange(n, dtype=np.uint32) + np.uint32(key & 0xFFFFFFFF)
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
    x = ((x ^ np.uint32(key >> 32)) ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return x.view(np.int32).astype(np.float64) * 2.0**-31
