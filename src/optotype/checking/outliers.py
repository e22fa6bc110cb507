"""Images far brighter, darker, flatter or more contrasted than the set is; and files of far other sizes or shapes."""

import math
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.checking.examples import of_training
from optotype.checking.findings import Finding
from optotype.data.dataset import Dataset
from optotype.data.statistics import brightness_and_contrast

_EXPECTED: Final = 0.05
# Scales the median absolute deviation to the standard deviation of a normal distribution.
_NORMAL: Final = 1 / NormalDist().inv_cdf(0.75)
_LEAST_SPREAD: Final = 1 / 255
_WORDS: Final = (("Darker", "Brighter"), ("Flatter", "Higher in contrast"))
_LEAST_FACTOR: Final = 2.0
_LEAST_THRESHOLD: Final = 3.5
# The 95th percentile of a normal distribution, in standard deviations.
_TAIL: Final = NormalDist().inv_cdf(0.95)
_SIZE_WORDS: Final = (("Smaller", "Larger"), ("Narrower", "Wider"))


def brightness_outliers(data: Dataset) -> list[Finding]:
    """List outliers in brightness (mean) and contrast (standard deviation), and images of a single colour.

    Each is measured in robust standard deviations from the median (Iglewicz and Hoaglin, How to Detect and Handle
    Outliers, 1993). The threshold grows with the number of images, by Bonferroni's rule: in a normally distributed set
    of any size 0.05 images would be called outliers on average.

    Args:
        data: The data set, with at least one training image.
    """
    measured = brightness_and_contrast(data.images)
    middle = np.median(measured, axis=0)
    spread = np.maximum(np.median(np.abs(measured - middle), axis=0) * _NORMAL, _LEAST_SPREAD)
    away = (measured - middle) / spread
    threshold = _threshold(len(data.images))
    flat = measured[:, 1] == 0
    found = np.flatnonzero((np.abs(away).max(axis=1) >= threshold) | flat)
    return [
        Finding(
            "brightness",
            "All of one colour." if flat[index] else _said(*away[index].tolist()),
            float(np.abs(away[index]).max()),
            (of_training(data, index),),
        )
        for index in found.tolist()
    ]


def size_outliers(data: Dataset) -> list[Finding]:
    """List pictures whose files are far smaller, larger, narrower or wider than the set's, by a factor of at least 2.

    Size is the geometric mean of the sides, shape is width by height; of both the logarithm is measured in robust
    standard deviations from the median, with the threshold of `brightness_outliers`, but at least Iglewicz and
    Hoaglin's 3.5. Here the robust standard deviation comes from the 5th and 95th percentile, in a normal distribution
    1.645 of them from the median, and not from the median absolute deviation: most pictures of a set may have one size
    and the rest every other, which is no fault. Nothing between these percentiles can be an outlier.

    Args:
        data: The data set; where it does not know sizes, nothing is found.
    """
    if data.sizes is None:
        return []
    height, width = np.log(data.sizes).T
    measured = np.stack([(height + width) / 2, width - height], axis=1)
    threshold = max(_threshold(len(measured)), _LEAST_THRESHOLD)
    middle = np.median(measured, axis=0)
    low, high = np.percentile(measured, (5, 95), axis=0)
    factor = measured - middle
    away = factor / np.maximum((high - low) / (2 * _TAIL), np.log(_LEAST_FACTOR) / threshold)
    return [
        Finding(
            "size",
            _size_said(factor[index], int(np.abs(away[index]).argmax()), *data.sizes[index].tolist()),
            float(np.abs(away[index]).max()),
            (of_training(data, index),),
        )
        for index in np.flatnonzero(np.abs(away).max(axis=1) >= threshold).tolist()
    ]


def _threshold(images: int) -> float:
    """Give how many standard deviations 0.05 of so many images exceed on average, by either of two measures."""
    return NormalDist().inv_cdf(1 - _EXPECTED / (4 * images))


def _size_said(factor: NDArray[np.float64], measure: int, height: int, width: int) -> str:
    word = _SIZE_WORDS[measure][bool(factor[measure] > 0)]
    times = math.exp(abs(factor[measure]))
    return f"{word} than is usual by a factor of {times:.1f}: {height} x {width} pixels in its file, height first."


def _said(brightness: float, contrast: float) -> str:
    measure = int(abs(contrast) > abs(brightness))
    value = (brightness, contrast)[measure]
    return f"{_WORDS[measure][value > 0]} than is usual by {abs(value):.1f} robust standard deviations."
