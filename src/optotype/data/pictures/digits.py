"""A drawn or photographed digit, given the treatment that MNIST's own got.

MNIST's digits were scaled into 20 x 20 pixels, keeping their proportions, and put into 28 x 28 pixels so that their
centre of mass is in the middle; the grey comes from antialiasing, and the ink is bright on black. Source: Y. LeCun,
L. Bottou, Y. Bengio, P. Haffner, Gradient-based learning applied to document recognition, Proceedings of the IEEE 86
(1998), section III.A.

What comes before that is ours, since MNIST's began as black and white scans: paper of uneven brightness is evened, ink
is told from paper and noise, and specks far smaller than the digit are left out.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from optotype.data.pictures.decode import Picture, UnusableError, opened
from optotype.errors import ImageError

SIDE: Final = 28
"""Height and width of the image."""

_BOX: Final = 20
_LARGEST: Final = 400  # pixels of the longer side that are looked at: 20 times what is kept
_LEAST_CONTRAST: Final = 24.0  # of 255 grey levels, between ink and paper
_NOISE: Final = 5.0  # standard deviations of the paper that ink stands out by
_FAINTEST: Final = 0.35  # of the strongest ink
_SPECK: Final = 0.1  # of the largest piece of ink

Grey = NDArray[np.float64]


def fit_digit(picture: Picture | NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give a drawn or photographed digit MNIST's treatment: bright on black, 20 pixels large, its mass in the middle.

    Args:
        picture: One digit, dark on light or light on dark, with nothing else as large: a picture's path, its bytes, one
            opened by Pillow, or uint8 pixels of shape (height, width), (height, width, 1) or (height, width, 3).

    Returns:
        uint8 array of shape (28, 28); what a model of MNIST predicts from, once it is given a first axis.

    Raises:
        ImageError: The picture cannot be read, or nothing stands out from its background.
    """
    with opened(_from_array(picture) if isinstance(picture, np.ndarray) else picture) as image:
        return digit_of(image)[..., 0]


def digit_of(image: Image.Image) -> NDArray[np.uint8]:
    """Do what `fit_digit` does with an upright picture of Pillow's; gives shape (28, 28, 1).

    Raises:
        UnusableError: It cannot be converted, or nothing stands out from its background.
    """
    ink = _ink(_grey(image))
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    cropped = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    factor = _BOX / max(cropped.shape)
    height, width = (max(1, round(side * factor)) for side in cropped.shape)
    picture = Image.fromarray(cropped.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    scaled = np.asarray(picture, np.float64)
    top, left = (_offset(scaled.sum(axis=axis)) for axis in (1, 0))
    digit = np.zeros((SIDE, SIDE, 1), np.uint8)
    digit[top : top + height, left : left + width, 0] = np.rint(scaled * (255 / scaled.max()))
    return digit


def _from_array(pixels: NDArray[Any]) -> Image.Image:
    plain = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    if plain.dtype != np.uint8 or not (plain.ndim == 2 or (plain.ndim == 3 and plain.shape[2] == 3)):
        raise ImageError(
            f"A digit is an array of {pixels.dtype} of shape {pixels.shape}, expected uint8 of shape (height, width),"
            " (height, width, 1) or (height, width, 3). Convert it, and give one digit at a time."
        )
    if plain.size == 0:
        raise ImageError(f"A digit has shape {pixels.shape}, expected at least one pixel. Give a picture.")
    return Image.fromarray(plain)


def _grey(image: Image.Image) -> Grey:
    """Give brightness in 0 .. 255 of a picture made small enough; what is transparent becomes paper."""
    try:
        if image.mode.startswith("I;16"):
            image = Image.fromarray(np.rint(np.asarray(image).astype(np.float32) / 257).astype(np.uint8))
        image = image.convert("LA" if image.has_transparency_data else "L")
        image.thumbnail((_LARGEST, _LARGEST), Image.Resampling.BOX)
    except Exception as error:
        raise UnusableError(
            f"cannot be read as a picture: {str(error) or type(error).__name__}", "Save it again."
        ) from error
    if image.mode == "L":
        return np.asarray(image, np.float64)
    light, opacity = np.moveaxis(np.asarray(image, np.float64), -1, 0)
    opacity /= 255
    seen = float((light * opacity).sum() / max(opacity.sum(), 1e-9))
    paper = 255.0 if seen < 127.5 else 0.0
    even: Grey = light * opacity + paper * (1 - opacity)
    return even


def _ink(grey: Grey) -> Grey:
    """Tell ink from paper: 0 where there is none, up to 1 where it is strongest."""
    from scipy import ndimage  # noqa: PLC0415 - slow to import, and only digits need it

    fine = ndimage.gaussian_filter(grey, max(grey.shape) / 300) if max(grey.shape) > 2 * SIDE else grey
    away = fine - _paper(fine)
    # Paper lies on both sides of its own level; ink on one.
    away = away if away.max() > -away.min() else -away
    noise = 1.4826 * float(np.median(np.abs(away - np.median(away))))
    strongest = float(np.sort(away, axis=None)[-max(3, away.size // 2000) :].mean())
    least = max(_FAINTEST * strongest, _NOISE * noise)
    if strongest < _LEAST_CONTRAST or least >= strongest:
        raise UnusableError(
            "shows nothing that stands out from its background, expected one digit, dark on light or light on dark",
            "Take the picture closer, with a broader pen or in better light.",
        )
    pieces, n = ndimage.label(away > least, np.ones((3, 3)))
    sizes = ndimage.sum_labels(away, pieces, np.arange(1, n + 1))
    kept = np.isin(pieces, 1 + np.flatnonzero(sizes >= _SPECK * sizes.max()))
    # A pixel around each piece brings the soft edges of its strokes along.
    near = ndimage.binary_dilation(kept, np.ones((3, 3)))
    full = float(np.median(away[kept]))
    soft = np.clip((away - least / 2) / max(full - least / 2, 1e-9), 0, 1)
    ink: Grey = np.where(near, soft, 0.0)
    return ink


def _paper(grey: Grey) -> Grey:
    """Fit the paper's brightness, which light makes uneven, by a surface of second order that leaves out the ink."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, side) for side in grey.shape), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=-1).reshape(-1, 6)
    values = grey.ravel()
    surface = np.full_like(values, np.median(values))
    for _ in range(4):
        away = np.abs(values - surface)
        paper = away <= max(2.5 * 1.4826 * float(np.median(away)), 2.0)
        surface = terms @ np.linalg.lstsq(terms[paper], values[paper], rcond=None)[0]
    return surface.reshape(grey.shape)


def _offset(mass: Grey) -> int:
    """Say where a digit begins so that its centre of mass is in the middle of pixel 14, as far as it then fits.

    That is where MNIST's are: the mean of its first 5,000 training images is there to 0.01 pixels.
    """
    centre = float((mass * np.arange(len(mass))).sum() / mass.sum())
    return min(max(round(SIDE / 2 - centre), 0), SIDE - len(mass))
