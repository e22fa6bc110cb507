"""Images far brighter, darker, flatter or more contrasted than the set is."""

from statistics import NormalDist
from typing import Final

import numpy as np

from optotype.checking.findings import Finding
from optotype.checking.pictures import of_training
from optotype.data.dataset import Dataset
from optotype.data.statistics import brightness_and_contrast

_EXPECTED: Final = 0.05
# Scales the median absolute deviation to the standard deviation of a normal distribution.
_NORMAL: Final = 1 / NormalDist().inv_cdf(0.75)
_LEAST_SPREAD: Final = 1 / 255
_WORDS: Final = (("Darker", "Brighter"), ("Flatter", "Higher in contrast"))


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
    threshold = NormalDist().inv_cdf(1 - _EXPECTED / (4 * len(data.images)))
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


def _said(brightness: float, contrast: float) -> str:
    measure = int(abs(contrast) > abs(brightness))
    value = (brightness, contrast)[measure]
    return f"{_WORDS[measure][value > 0]} than is usual by {abs(value):.1f} robust standard deviations."
