"""Augmentation: training images changed at random, each in every epoch anew, as they enter the network.

An image is changed in this order:

1. It is flipped, scaled and turned about its centre, shifted, and deformed: one map from its new places to its old
   ones, so that it is read once, by bilinear interpolation. Flips and shifts alone only move pixels, exactly.
2. Contrast, then brightness; the result is kept between black and white.
3. A square is cut out.

Nothing is drawn from a stream. With key = (seed, epoch, AUGMENT, place of the image in the data set), the numbers are
`randomness.uniform(9, *key)`, u0 to u8, each in [0, 1): so an image meets the same change whatever threads, batches or
earlier epochs there were, and a setting changes no other's numbers. The arithmetic is in csrc/kernels/augmentation.hpp.
"""

from dataclasses import field
from typing import Annotated, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from optotype.engine import _core
from optotype.engine.processor import chosen_isa
from optotype.errors import EngineError
from optotype.randomness import combine, purpose

AUGMENT: Final = purpose("augment")
"""The word "augment" in ASCII, as a number: sets these hashes apart from all others."""

_BYTE: Final = 255.0

Pixels = Annotated[int, Field(ge=0, le=1000, strict=True)]
Degrees = Annotated[float, Field(ge=0, le=180, strict=True)]
Share = Annotated[float, Field(ge=0, le=1, strict=True)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Augment:
    """How far training images are changed at random; by default in no way.

    Attributes:
        shift: Pixels. Moved down by floor(u0 n) - shift and right by floor(u1 n) - shift, where n = 2 shift + 1: every
            whole number from -shift to shift is as likely. Less than the image's sides.
        padding: What comes into view from outside: "zero", or "reflect", the image reflected about its outermost
            pixels (dcb|abcd|cba, as "reflect" in NumPy and torchvision).
        flip: Whether every other image is flipped left to right: where u2 is at least 1/2.
        rotation: Degrees, to 180. Turned counter-clockwise by (2 u3 - 1) rotation, about the centre.
        scale: In [0, 0.9]. Magnified by the factor 1 + (2 u4 - 1) scale, about the centre.
        contrast: In [0, 1]. Every channel's distance to its mean is multiplied by 1 + (2 u5 - 1) contrast, as Keras's
            RandomContrast.
        brightness: In [0, 1], of the way from black to white. (2 u6 - 1) brightness is added, as Keras's
            RandomBrightness.
        cutout: Pixels. The side of a square that is made black (DeVries and Taylor, 2017, arXiv:1708.04552). Its middle
            is row floor(u7 height), column floor(u8 width), so that a part of it may lie outside; it begins
            floor(cutout / 2) before that. Less than the image's sides.
        elastic: Pixels: alpha of Simard, Steinkraus and Platt (2003, ICDAR, section 2), to 1000. In each direction a
            pixel is read from a place that is moved by alpha times uniform noise in -1..1, smoothed by a Gaussian with
            a sum of one that ends after 3 standard deviations. The noise goes on beyond the edges.
        elastic_sigma: Pixels: the standard deviation of that Gaussian, in [0.5, 32].
    """

    shift: Pixels = 0
    padding: Literal["zero", "reflect"] = "zero"
    flip: Annotated[bool, Field(strict=True)] = field(default=False)
    rotation: Degrees = 0.0
    scale: Annotated[float, Field(ge=0, le=0.9, strict=True)] = 0.0
    contrast: Share = 0.0
    brightness: Share = 0.0
    cutout: Pixels = 0
    elastic: Annotated[float, Field(ge=0, le=1000, strict=True)] = 0.0
    elastic_sigma: Annotated[float, Field(ge=0.5, le=32, strict=True)] = 4.0

    def __str__(self) -> str:
        """Name what is not as by default: "shift 2, flip"."""
        changed = {name: value for name, value in vars(self).items() if value != getattr(Augment, name)}
        words = (name if value is True else f"{name} {value}" for name, value in changed.items())
        return ", ".join(words) or "nothing"


def augmented(
    images: NDArray[np.uint8] | NDArray[np.float32],
    augment: Augment,
    places: NDArray[np.integer],
    *,
    key: tuple[int, int],
) -> NDArray[np.float32]:
    """Show images as a training sees them, to the bit.

    Args:
        images: uint8, or float32 in 0..1, of shape (n, height, width, channels).
        augment: How they are changed.
        places: Which of them, of shape (m,); indices in 0 .. n - 1.
        key: (seed, epoch) of the training.

    Returns:
        float32 array of shape (m, height, width, channels), in 0..1, computed on the instruction set that a training
        would use.

    Raises:
        EngineError: An array has the wrong shape or type, an index is out of range, or the change is larger than the
            images.
    """
    if images.dtype not in (np.uint8, np.float32) or images.ndim != 4 or 0 in images.shape[1:]:
        raise EngineError(
            f"Images of type {images.dtype} and shape {images.shape} were given, expected uint8 or float32 of shape"
            " (n, height, width, channels). Convert or reshape them."
        )
    native = as_native(augment, images.shape[1:])
    of_bytes = images.dtype == np.uint8
    pixels = np.ascontiguousarray(images, np.uint8) if of_bytes else np.ascontiguousarray(images, np.float32)
    which = np.ascontiguousarray(places, np.int64)
    out = np.empty((len(which), *images.shape[1:]), np.float32)
    try:
        _core.augment(pixels, which, native, combine(*key), 1 / _BYTE if of_bytes else 1.0, chosen_isa(), out)
    except ValueError as error:
        raise EngineError(f"The images cannot be augmented: {error}.") from None
    return out


def as_native(augment: Augment, shape: tuple[int, ...]) -> _core.Augmentation:
    """Give an augmentation as the native code takes it.

    Args:
        augment: How images are changed.
        shape: Of an image, (height, width, channels).

    Raises:
        EngineError: The shift or the cutout is as large as the image.
    """
    for name, pixels in (("shift", augment.shift), ("cutout", augment.cutout)):
        if pixels >= min(shape[:2]):
            raise EngineError(
                f"augment.{name} is {pixels} pixels, but the images have {shape[0]} x {shape[1]}, expected less than"
                f" {min(shape[:2])}. Set augment.{name} = {min(shape[:2]) // 8}."
            )
    native = _core.Augmentation()
    native.shift, native.cutout = augment.shift, augment.cutout
    native.flip, native.reflect = augment.flip, augment.padding == "reflect"
    native.rotation, native.scale = augment.rotation, augment.scale
    native.contrast, native.brightness = augment.contrast, augment.brightness
    native.elastic, native.elastic_sigma = augment.elastic, augment.elastic_sigma
    return native
