"""Augmentation: random changes of training images, different in every epoch, as they enter the network.

An image is changed in this order:

1. It is flipped, scaled and rotated about its centre, shifted, and deformed. All of this is one map from new to old
   positions, so the image is read once, by bilinear interpolation. Flips and shifts alone move pixels exactly.
2. Contrast, then brightness; the result is clamped between black and white.
3. A square is cut out.

Random numbers are not drawn from a stream. With key = (seed, epoch, AUGMENT, index of the image in the data set), they
are `randomness.uniform(9, *key)`, u0 to u8, each in [0, 1). So the change of an image does not depend on threads,
batches or earlier epochs, and a setting does not affect the random numbers of another. The arithmetic is in
csrc/kernels/augmentation.hpp.
"""

from dataclasses import field
from typing import Annotated, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from optotype.engine import _core
from optotype.engine.processor import resolve_isa
from optotype.errors import EngineError
from optotype.randomness import combine

AUGMENT: Final = 0x6175676D656E74
"""The word "augment" in ASCII, as a number: the purpose of these random numbers."""

_MAX_BYTE: Final = 255.0

Pixels = Annotated[int, Field(ge=0, le=1000, strict=True)]
Degrees = Annotated[float, Field(ge=0, le=180, strict=True)]
Fraction = Annotated[float, Field(ge=0, le=1, strict=True)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Augment:
    """The limits of random changes of training images; by default there are none.

    Attributes:
        shift: Pixels. Moves the image down by floor(u0 n) - shift and right by floor(u1 n) - shift, where
            n = 2 shift + 1: every integer from -shift to shift is equally likely. Less than the sides of the image.
        padding: The pixels outside the image: "zero", or "reflect", the image reflected about its outermost pixels
            (dcb|abcd|cba, as "reflect" in NumPy and torchvision).
        flip: Whether half of the images are flipped left to right: those with u2 at least 1/2.
        rotation: Degrees, at most 180. Rotates counter-clockwise by (2 u3 - 1) rotation, about the centre.
        scale: In [0, 0.9]. Magnifies by the factor 1 + (2 u4 - 1) scale, about the centre.
        contrast: In [0, 1]. Multiplies the distance of every channel to its mean by 1 + (2 u5 - 1) contrast, as
            RandomContrast of Keras.
        brightness: In [0, 1], as a fraction of the range from black to white. Adds (2 u6 - 1) brightness, as
            RandomBrightness of Keras.
        cutout: Pixels. The side of a square that is set to black (DeVries and Taylor, 2017, arXiv:1708.04552). Its
            centre is row floor(u7 height), column floor(u8 width), so part of it may be outside; it begins
            floor(cutout / 2) before the centre. Less than the sides of the image.
        elastic: Pixels: alpha of Simard, Steinkraus and Platt (2003, ICDAR, section 2), at most 1000. In each direction
            the position of a pixel is displaced by alpha times uniform noise in -1..1, smoothed by a Gaussian with a
            sum of one, cut off after 3 standard deviations. The noise continues beyond the edges.
        elastic_sigma: Pixels: the standard deviation of that Gaussian, in [0.5, 32].
    """

    shift: Pixels = 0
    padding: Literal["zero", "reflect"] = "zero"
    flip: Annotated[bool, Field(strict=True)] = field(default=False)
    rotation: Degrees = 0.0
    scale: Annotated[float, Field(ge=0, le=0.9, strict=True)] = 0.0
    contrast: Fraction = 0.0
    brightness: Fraction = 0.0
    cutout: Pixels = 0
    elastic: Annotated[float, Field(ge=0, le=1000, strict=True)] = 0.0
    elastic_sigma: Annotated[float, Field(ge=0.5, le=32, strict=True)] = 4.0

    def __str__(self) -> str:
        """Return the settings that differ from the defaults: "shift 2, flip"."""
        changed = {name: value for name, value in vars(self).items() if value != getattr(Augment, name)}
        words = (name if value is True else f"{name} {value}" for name, value in changed.items())
        return ", ".join(words) or "nothing"


def augment_images(
    images: NDArray[np.uint8] | NDArray[np.float32],
    augment: Augment,
    indices: NDArray[np.integer],
    *,
    key: tuple[int, int],
) -> NDArray[np.float32]:
    """Compute augmented images as training sees them, to the bit.

    Args:
        images: uint8, or float32 in 0..1, of shape (n, height, width, channels).
        augment: The augmentation.
        indices: The images to augment, of shape (m,); indices in 0 .. n - 1.
        key: (seed, epoch) of the training.

    Returns:
        float32 array of shape (m, height, width, channels), in 0..1, computed on the instruction set that training
        would use.

    Raises:
        EngineError: If an array has the wrong shape or type, an index is out of range, or a shift or cutout is as large
            as the images.
    """
    if images.dtype not in (np.uint8, np.float32) or images.ndim != 4 or 0 in images.shape[1:]:
        raise EngineError(
            f"The images have type {images.dtype} and shape {images.shape}, expected uint8 or float32 of shape"
            " (n, height, width, channels). Convert or reshape them."
        )
    check_augment_fits(augment, images.shape[1:])
    is_bytes = images.dtype == np.uint8
    pixels = np.ascontiguousarray(images, np.uint8) if is_bytes else np.ascontiguousarray(images, np.float32)
    selected = np.ascontiguousarray(indices, np.int64)
    out = np.empty((len(selected), *images.shape[1:]), np.float32)
    scale = 1 / _MAX_BYTE if is_bytes else 1.0
    try:
        _core.augment(pixels, selected, vars(augment), combine(*key), scale, resolve_isa(), out)
    except ValueError as error:
        raise EngineError(f"The images cannot be augmented: {error}. Correct the arguments.") from None
    return out


def check_augment_fits(augment: Augment, shape: tuple[int, ...]) -> None:
    """Check that shift and cutout are smaller than the images.

    Args:
        augment: The augmentation.
        shape: (height, width, channels) of an image.

    Raises:
        EngineError: If the shift or the cutout is as large as the image.
    """
    side = min(shape[:2])
    for name, pixels in (("shift", augment.shift), ("cutout", augment.cutout)):
        if pixels >= side:
            raise EngineError(
                f"augment.{name} is {pixels} pixels for images of {shape[0]} x {shape[1]}, expected less than {side}."
                f" Set augment.{name} = {side // 8}."
            )
