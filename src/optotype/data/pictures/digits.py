"""Preprocessing of a drawn or photographed digit as for MNIST.

MNIST's digits were scaled into 20 x 20 pixels with their proportions kept, and placed in 28 x 28 pixels with their
centre of mass in the middle. The grey levels come from antialiasing, and the ink is bright on black. Source: Y. LeCun,
L. Bottou, Y. Bengio, P. Haffner, Gradient-based learning applied to document recognition, Proceedings of the IEEE 86
(1998), section III.A.

MNIST began with black and white scans. For photographs, three steps are added before: uneven brightness of the paper
is corrected, ink is separated from paper and noise, and specks far smaller than the digit are removed.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from optotype.data.pictures.image_file import Picture, UnusableError, open_upright
from optotype.errors import ImageError

SIDE: Final = 28
"""Height and width of the image."""
SHAPE: Final = (SIDE, SIDE, 1)
"""Shape of the image: MNIST's."""

_BOX: Final = 20
_MAX_SIDE: Final = 400  # pixels of the longer side that are analysed: 20 times the digit's final size
_MIN_CONTRAST: Final = 24.0  # between ink and paper, in grey levels of 255
_MIN_NOISE_RATIO: Final = 5.0  # contrast of ink, in standard deviations of the paper's noise
_MIN_INK: Final = 0.35  # as a fraction of the strongest ink
_MIN_SPECK: Final = 0.1  # as a fraction of the largest connected component of ink

Grey = NDArray[np.float64]


def fit_digit(picture: Picture | NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Preprocess a drawn or photographed digit as for MNIST: bright on black, 20 pixels large, centred by mass.

    Args:
        picture: One digit, dark on light or light on dark, with nothing else of similar size: the path of an image
            file, its bytes, an image opened by Pillow, or uint8 pixels of shape (height, width), (height, width, 1) or
            (height, width, 3).

    Returns:
        uint8 array of shape (28, 28); add a first axis to predict with a model of MNIST.

    Raises:
        ImageError: If the image cannot be read, or nothing stands out from its background.
    """
    with open_upright(_from_array(picture) if isinstance(picture, np.ndarray) else picture) as image:
        return normalize_digit(image)[..., 0]


def normalize_digit(image: Image.Image) -> NDArray[np.uint8]:
    """Preprocess an upright image opened by Pillow as `fit_digit` does.

    Returns:
        uint8 array of shape (28, 28, 1).

    Raises:
        UnusableError: If the image cannot be converted, or nothing stands out from its background.
    """
    ink = _ink(_grey(image))
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    cropped = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    factor = _BOX / max(cropped.shape)
    height, width = (max(1, round(side * factor)) for side in cropped.shape)
    resized = Image.fromarray(cropped.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    scaled = np.asarray(resized, np.float64)
    top, left = (_offset(scaled.sum(axis=axis)) for axis in (1, 0))
    digit = np.zeros((SIDE, SIDE, 1), np.uint8)
    digit[top : top + height, left : left + width, 0] = np.rint(scaled * (255 / scaled.max()))
    return digit


def _from_array(pixels: NDArray[Any]) -> Image.Image:
    squeezed = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    has_image_shape = squeezed.ndim == 2 or (squeezed.ndim == 3 and squeezed.shape[2] == 3)
    if squeezed.dtype != np.uint8 or not has_image_shape:
        raise ImageError(
            f"The digit is an array of dtype {pixels.dtype} and shape {pixels.shape}; expected uint8 of shape"
            " (height, width), (height, width, 1) or (height, width, 3). Convert it, and pass one digit at a time."
        )
    if squeezed.size == 0:
        raise ImageError(f"The digit has shape {pixels.shape}; expected at least one pixel. Pass an image.")
    return Image.fromarray(squeezed)


def _grey(image: Image.Image) -> Grey:
    """Return the brightness in 0 .. 255 of a reduced image; transparent pixels get the brightness of paper."""
    try:
        if image.mode.startswith("I;16"):
            image = Image.fromarray(np.rint(np.asarray(image).astype(np.float32) / 257).astype(np.uint8))
        image = image.convert("LA" if image.has_transparency_data else "L")
        image.thumbnail((_MAX_SIDE, _MAX_SIDE), Image.Resampling.BOX)
    except Exception as error:
        raise UnusableError(
            f"cannot be decoded as an image: {str(error) or type(error).__name__}", "Save it again."
        ) from error
    if image.mode == "L":
        return np.asarray(image, np.float64)
    brightness, opacity = np.moveaxis(np.asarray(image, np.float64), -1, 0)
    opacity /= 255
    mean = float((brightness * opacity).sum() / max(opacity.sum(), 1e-9))
    paper = 255.0 if mean < 127.5 else 0.0
    composite: Grey = brightness * opacity + paper * (1 - opacity)
    return composite


def _ink(grey: Grey) -> Grey:
    """Separate ink from paper: 0 for paper, up to 1 for the strongest ink."""
    from scipy import ndimage  # noqa: PLC0415 - slow to import, and only digits need it

    smooth = ndimage.gaussian_filter(grey, max(grey.shape) / 300) if max(grey.shape) > 2 * SIDE else grey
    contrast = smooth - _paper(smooth)
    # Paper varies to both sides of its own level; ink lies on one side.
    contrast = contrast if contrast.max() > -contrast.min() else -contrast
    noise = 1.4826 * float(np.median(np.abs(contrast - np.median(contrast))))
    strongest = float(np.sort(contrast, axis=None)[-max(3, contrast.size // 2000) :].mean())
    threshold = max(_MIN_INK * strongest, _MIN_NOISE_RATIO * noise)
    if strongest < _MIN_CONTRAST or threshold >= strongest:
        raise UnusableError(
            "shows nothing that stands out from its background; expected one digit, dark on light or light on dark",
            "Photograph it from closer, with a broader pen or in better light.",
        )
    components, n = ndimage.label(contrast > threshold, np.ones((3, 3)))
    sizes = ndimage.sum_labels(contrast, components, np.arange(1, n + 1))
    digit = np.isin(components, 1 + np.flatnonzero(sizes >= _MIN_SPECK * sizes.max()))
    # One more pixel around each component includes the soft edges of its strokes.
    dilated = ndimage.binary_dilation(digit, np.ones((3, 3)))
    full = float(np.median(contrast[digit]))
    soft = np.clip((contrast - threshold / 2) / max(full - threshold / 2, 1e-9), 0, 1)
    ink: Grey = np.where(dilated, soft, 0.0)
    return ink


def _paper(grey: Grey) -> Grey:
    """Fit the paper's brightness, which light makes uneven, by a second-order surface that excludes the ink."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, side) for side in grey.shape), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=-1).reshape(-1, 6)
    values = grey.ravel()
    surface = np.full_like(values, np.median(values))
    for _ in range(4):
        residuals = np.abs(values - surface)
        is_paper = residuals <= max(2.5 * 1.4826 * float(np.median(residuals)), 2.0)
        surface = terms @ np.linalg.lstsq(terms[is_paper], values[is_paper], rcond=None)[0]
    return surface.reshape(grey.shape)


def _offset(mass: Grey) -> int:
    """Return the start of a digit that puts its centre of mass in the middle of pixel 14, as far as the digit fits.

    MNIST's digits have it there: the mean over its first 5,000 training images is at pixel 14 to 0.01 pixels.
    """
    centre = float((mass * np.arange(len(mass))).sum() / mass.sum())
    return min(max(round(SIDE / 2 - centre), 0), SIDE - len(mass))
