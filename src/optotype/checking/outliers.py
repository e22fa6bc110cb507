"""Outliers: images far brighter, darker or of other contrast than the rest, and files of far other sizes or shapes."""

import math
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.checking.examples import of_training
from optotype.checking.findings import Finding
from optotype.data.dataset import Dataset
from optotype.data.statistics import brightness_and_contrast

_EXPECTED_OUTLIERS: Final = 0.05
# Scales the median absolute deviation to the standard deviation of a normal distribution.
_MAD_SCALE: Final = 1 / NormalDist().inv_cdf(0.75)
_MIN_DEVIATION: Final = 1 / 255
_BRIGHTNESS_WORDS: Final = (("Darker", "Brighter"), ("Lower in contrast", "Higher in contrast"))
_MIN_SIZE_RATIO: Final = 2.0
_MIN_SIZE_THRESHOLD: Final = 3.5
# The 95th percentile of a normal distribution, in standard deviations.
_PERCENTILE_95: Final = NormalDist().inv_cdf(0.95)
_SIZE_WORDS: Final = (("Smaller", "Larger"), ("Narrower", "Wider"))


def brightness_outliers(data: Dataset) -> list[Finding]:
    """List outliers in brightness (mean) and contrast (standard deviation), and images of a single colour.

    Each is measured in robust standard deviations from the median (Iglewicz and Hoaglin, How to Detect and Handle
    Outliers, 1993). The threshold grows with the number of images, by Bonferroni's rule: a normally distributed set of
    any size has 0.05 outliers on average.

    Args:
        data: The data set, with at least one training image.
    """
    values = brightness_and_contrast(data.images)
    median = np.median(values, axis=0)
    deviation = np.maximum(np.median(np.abs(values - median), axis=0) * _MAD_SCALE, _MIN_DEVIATION)
    z_scores = (values - median) / deviation
    threshold = _threshold(len(data.images))
    single_colour = values[:, 1] == 0
    outliers = np.flatnonzero((np.abs(z_scores).max(axis=1) >= threshold) | single_colour)
    return [
        Finding(
            "brightness",
            "A single colour." if single_colour[index] else _brightness_message(*z_scores[index].tolist()),
            float(np.abs(z_scores[index]).max()),
            (of_training(data, index),),
        )
        for index in outliers.tolist()
    ]


def size_outliers(data: Dataset) -> list[Finding]:
    """List pictures whose files are far smaller, larger, narrower or wider than usual, by a factor of at least 2.

    Size is the geometric mean of the sides; shape is width divided by height. The logarithm of each is measured in
    robust standard deviations from the median, with the threshold of `brightness_outliers`, but at least Iglewicz and
    Hoaglin's 3.5. Here the robust standard deviation comes from the 5th and 95th percentiles, which in a normal
    distribution are 1.645 standard deviations from the median, and not from the median absolute deviation: a set in
    which most pictures have one size and the others any size is not faulty. Values between these percentiles are never
    outliers.

    Args:
        data: The data set. If it has no file sizes, the list is empty.
    """
    if data.sizes is None:
        return []
    height, width = np.log(data.sizes).T
    values = np.stack([(height + width) / 2, width - height], axis=1)
    threshold = max(_threshold(len(values)), _MIN_SIZE_THRESHOLD)
    median = np.median(values, axis=0)
    low, high = np.percentile(values, (5, 95), axis=0)
    log_ratios = values - median
    deviation = np.maximum((high - low) / (2 * _PERCENTILE_95), np.log(_MIN_SIZE_RATIO) / threshold)
    z_scores = log_ratios / deviation
    return [
        Finding(
            "size",
            _size_message(
                log_ratios[index], int(np.abs(z_scores[index]).argmax()), *data.sizes[index].tolist()
            ),
            float(np.abs(z_scores[index]).max()),
            (of_training(data, index),),
        )
        for index in np.flatnonzero(np.abs(z_scores).max(axis=1) >= threshold).tolist()
    ]


def _threshold(images: int) -> float:
    """Return the number of standard deviations that 0.05 of n images exceed on average, by either of two measures."""
    return NormalDist().inv_cdf(1 - _EXPECTED_OUTLIERS / (4 * images))


def _size_message(log_ratios: NDArray[np.float64], measure: int, height: int, width: int) -> str:
    word = _SIZE_WORDS[measure][bool(log_ratios[measure] > 0)]
    ratio = math.exp(abs(log_ratios[measure]))
    return f"{word} than usual by a factor of {ratio:.1f}: the file is {height} pixels high and {width} wide."


def _brightness_message(brightness: float, contrast: float) -> str:
    measure = int(abs(contrast) > abs(brightness))
    z_score = (brightness, contrast)[measure]
    word = _BRIGHTNESS_WORDS[measure][z_score > 0]
    return f"{word} than usual by {abs(z_score):.1f} robust standard deviations."
