"""Calibration: temperature scaling of probabilities, and label sets that contain the true class at a target rate.

Both are fitted on images that were used neither to train the weights nor to choose the epoch.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.errors import DataError, ModelError
from optotype.metrics import accuracy, softmax

MIN_IMAGES: Final = 50
"""Minimum number of images for a calibration: with 50 images an accuracy is known to about 10 points."""

COVERAGE: Final = 0.99
"""Default share of images whose label set contains the true class."""

MIN_TEMPERATURE, MAX_TEMPERATURE = 0.05, 20.0
_BISECTIONS: Final = 30
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, eq=False)
class Calibration:
    """A temperature, and the calibrated model's errors on the images that it was fitted on.

    Attributes:
        temperature: The divisor of logits, in [0.05, 20].
        scores: 1 - the calibrated probability of each image's label, ascending; float64 of shape (n,), read-only.

    Raises:
        ModelError: If the temperature or a score is out of range, or the scores are not sorted or too few.
    """

    temperature: float
    scores: NDArray[np.float64]

    def __post_init__(self) -> None:
        scores = np.array(self.scores)
        # Comparisons with NaN are false, so NaN is refused too.
        if not MIN_TEMPERATURE <= self.temperature <= MAX_TEMPERATURE:
            raise ModelError(
                f"The temperature is {self.temperature}, expected {MIN_TEMPERATURE} to {MAX_TEMPERATURE}."
                " Train the model again."
            )
        is_sorted = scores.ndim == 1 and len(scores) >= MIN_IMAGES and bool(np.all(scores[1:] >= scores[:-1]))
        if scores.dtype != np.float64 or not is_sorted or not (scores[0] >= 0 and scores[-1] <= 1):
            raise ModelError(
                f"The calibration scores are not valid, expected at least {MIN_IMAGES} ascending numbers in 0 .. 1."
                " Train the model again."
            )
        scores.setflags(write=False)
        object.__setattr__(self, "scores", scores)

    @classmethod
    def fit(cls, logits: NDArray[np.floating], labels: NDArray[np.integer]) -> "Calibration":
        """Fit the temperature with the lowest log loss.

        Source: C. Guo, G. Pleiss, Y. Sun, K. Weinberger, On calibration of modern neural networks, ICML 2017, section
        4.2. If the model classifies all of the images correctly, the temperature is at least 1: the loss would
        fall towards a probability of 1, which no number of images can prove.

        Args:
            logits: Finite array of shape (n, classes), n at least 50, of images that chose neither weights nor epoch.
            labels: Integer array of shape (n,), in 0 .. classes - 1.

        Raises:
            DataError: If there are too few images, a logit is not finite, or the shapes or labels are wrong.
        """
        if len(labels) < MIN_IMAGES:
            raise DataError(
                f"{len(labels)} images are too few for calibration, expected at least {MIN_IMAGES}."
                " Set more images aside for validation."
            )
        if not np.isfinite(logits).all():
            raise DataError(
                "A logit is not finite, expected finite numbers. Train with a lower learning rate."
            )

        lowest = 1.0 if accuracy(logits, labels) == 1 else MIN_TEMPERATURE
        temperature = _minimize_log_loss(logits.astype(np.float64), labels, lowest)
        probabilities = softmax(logits / temperature)
        scores = 1 - probabilities[np.arange(len(labels)), labels]
        return cls(temperature, np.sort(np.clip(scores, 0, 1)))

    @property
    def n(self) -> int:
        """Number of images that the calibration was fitted on."""
        return len(self.scores)

    def probabilities(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return calibrated probabilities, float64 of shape (n, classes), of logits of that shape."""
        return softmax(logits / self.temperature)

    def label_sets(
        self, probabilities: NDArray[np.floating], coverage: float = COVERAGE
    ) -> NDArray[np.bool_]:
        """Compute the label set of each image.

        Method: split conformal prediction. For new images from the same distribution as the calibration images, a set
        contains the true class with probability at least ``coverage``, over both kinds of images. Source: M. Sadinle,
        J. Lei, L. Wasserman, Least ambiguous set-valued classifiers with bounded error levels, Journal of the American
        Statistical Association 114 (2019), 223-234. The most probable class is always added.

        Args:
            probabilities: Calibrated probabilities, of shape (n, classes).
            coverage: Target share, between 0 and 1. Above n / (n + 1) the calibration images are too few, and the sets
                contain every class.

        Returns:
            Array of shape (n, classes), True for the classes in the set; each set has at least one.

        Raises:
            DataError: If the coverage is not between 0 and 1.
        """
        if not 0 < coverage < 1:
            raise DataError(
                f"The coverage is {coverage}, expected a number between 0 and 1. Use 0.99 for 99 %."
            )
        rank = math.ceil((self.n + 1) * coverage - _ROUNDING)
        if rank > self.n:
            return np.ones(probabilities.shape, np.bool_)
        sets: NDArray[np.bool_] = 1 - probabilities <= self.scores[rank - 1]
        sets[np.arange(len(sets)), probabilities.argmax(axis=1)] = True
        return sets


def _minimize_log_loss(logits: NDArray[np.float64], labels: NDArray[np.integer], lowest: float) -> float:
    """Find the temperature with the lowest log loss by bisection; the loss is convex in the inverse temperature."""
    mean_true_logit = logits[np.arange(len(labels)), labels].mean()
    low, high = 1 / MAX_TEMPERATURE, 1 / lowest
    for _ in range(_BISECTIONS):
        inverse = math.sqrt(low * high)
        slope = (softmax(logits * inverse) * logits).sum(axis=1).mean() - mean_true_logit
        low, high = (low, inverse) if slope > 0 else (inverse, high)
    return min(max(1 / math.sqrt(low * high), lowest), MAX_TEMPERATURE)
