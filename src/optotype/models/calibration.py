"""What a model's doubts are worth: probabilities that mean what they say, and sets that hold the truth as asked.

Both rest on images that chose nothing: neither the weights nor when to stop.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.errors import DataError, ModelError
from optotype.metrics import accuracy, softmax

LEAST: Final = 50
"""Images that a calibration takes at least: with 50 an accuracy is known to about 10 points."""

COVERAGE: Final = 0.99
"""How often a label set holds the truth unless something else is asked."""

COLDEST, HOTTEST = 0.05, 20.0
_HALVINGS: Final = 30
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, eq=False)
class Calibration:
    """A temperature, and how wrong the calibrated model was on the images that it was fitted on.

    Attributes:
        temperature: What logits are divided by, in [0.05, 20].
        scores: 1 - the calibrated probability of each image's label, rising; float64 of shape (n,), read-only.

    Raises:
        ModelError: It is neither.
    """

    temperature: float
    scores: NDArray[np.float64]

    def __post_init__(self) -> None:
        scores = np.array(self.scores)
        # Comparisons with NaN are false, so it is refused too.
        if not COLDEST <= self.temperature <= HOTTEST:
            raise ModelError(
                f"The temperature is {self.temperature}, expected {COLDEST} to {HOTTEST}. Train the model again."
            )
        in_order = scores.ndim == 1 and len(scores) >= LEAST and bool(np.all(scores[1:] >= scores[:-1]))
        if scores.dtype != np.float64 or not in_order or not (scores[0] >= 0 and scores[-1] <= 1):
            raise ModelError(
                f"The calibration's scores are not {LEAST} or more rising numbers in 0 .. 1. Train the model again."
            )
        scores.setflags(write=False)
        object.__setattr__(self, "scores", scores)

    @classmethod
    def fit(cls, logits: NDArray[np.floating], labels: NDArray[np.integer]) -> "Calibration":
        """Find the temperature of least log loss.

        Source: C. Guo, G. Pleiss, Y. Sun, K. Weinberger, On calibration of modern neural networks, ICML 2017, section
        4.2. A model that errs on none of the images is not made surer of itself than it was: the loss would fall all
        the way to certainty, which no number of images can show.

        Args:
            logits: Finite array of shape (n, classes), n at least 50, of images that chose nothing.
            labels: Integer array of shape (n,), in 0 .. classes - 1.

        Raises:
            DataError: There are too few images, a logit is not finite, or the shapes or labels are wrong.
        """
        if len(labels) < LEAST:
            raise DataError(
                f"{len(labels)} images are too few to calibrate on, expected at least {LEAST}."
                " Set more images aside for validation."
            )
        if not np.isfinite(logits).all():
            raise DataError("A logit is not finite, expected numbers. Train with a lower learning rate.")

        coldest = 1.0 if accuracy(logits, labels) == 1 else COLDEST
        temperature = _least_loss(logits.astype(np.float64), labels, coldest)
        probabilities = softmax(logits / temperature)
        scores = 1 - probabilities[np.arange(len(labels)), labels]
        return cls(temperature, np.sort(np.clip(scores, 0, 1)))

    @property
    def n(self) -> int:
        """How many images it was fitted on."""
        return len(self.scores)

    def probabilities(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Give calibrated probabilities, float64 of shape (n, classes), for logits of that shape."""
        return softmax(logits / self.temperature)

    def label_sets(
        self, probabilities: NDArray[np.floating], coverage: float = COVERAGE
    ) -> NDArray[np.bool_]:
        """Say which classes each image may be of.

        Split conformal prediction: of new images that come as the calibration's came, a set holds the label with
        probability at least ``coverage``, over both kinds of images. Source: M. Sadinle, J. Lei, L. Wasserman, Least
        ambiguous set-valued classifiers with bounded error levels, Journal of the American Statistical Association 114
        (2019), 223-234; the most probable class is added where its own probability would leave it out.

        Args:
            probabilities: What ``probabilities`` gave, of shape (n, classes).
            coverage: Between 0 and 1. More than n / (n + 1) needs more calibration images: every class is in the sets.

        Returns:
            Array of shape (n, classes), True for the classes in the set; each has at least one.

        Raises:
            DataError: The coverage is not between 0 and 1.
        """
        if not 0 < coverage < 1:
            raise DataError(
                f"A coverage of {coverage} was asked for, expected between 0 and 1, such as 0.99."
            )
        rank = math.ceil((self.n + 1) * coverage - _ROUNDING)
        if rank > self.n:
            return np.ones(probabilities.shape, np.bool_)
        sets: NDArray[np.bool_] = 1 - probabilities <= self.scores[rank - 1]
        sets[np.arange(len(sets)), probabilities.argmax(axis=1)] = True
        return sets


def _least_loss(logits: NDArray[np.float64], labels: NDArray[np.integer], coldest: float) -> float:
    """Find the temperature of least log loss, which is convex in its inverse: by halving, led by the slope's sign."""
    true = logits[np.arange(len(labels)), labels].mean()
    low, high = 1 / HOTTEST, 1 / coldest
    for _ in range(_HALVINGS):
        inverse = math.sqrt(low * high)
        slope = (softmax(logits * inverse) * logits).sum(axis=1).mean() - true
        low, high = (low, inverse) if slope > 0 else (inverse, high)
    return min(max(1 / math.sqrt(low * high), coldest), HOTTEST)
