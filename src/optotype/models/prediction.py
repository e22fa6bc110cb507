"""A prediction of one image, with its uncertainty."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optotype.errors import DataError


@dataclass(frozen=True, eq=False)
class Prediction:
    """A model's prediction of one image.

    Attributes:
        label: Name of the most probable class.
        probability: Its probability, in 0 .. 1; calibrated, like all probabilities, if the model has a calibration.
        probabilities: float32 array of shape (classes,), in the order of ``class_names``.
        class_names: Every class of the model.
        label_set: Names of the classes in the label set, in the model's order. For 99 % (or another coverage) of images
            like the calibration images it contains the true class. None without a calibration.
        unknown: Whether the image is unlike the training images, so that the other values mean little. None without a
            novelty detector.
    """

    label: str
    probability: float
    probabilities: NDArray[np.float32]
    class_names: tuple[str, ...]
    label_set: tuple[str, ...] | None = None
    unknown: bool | None = None

    def top(self, k: int = 3) -> list[tuple[str, float]]:
        """Return the most probable classes.

        Args:
            k: Their number, at least 1; all classes if there are fewer.

        Returns:
            Pairs of class name and probability, the most probable first; equal ones in the order of the classes.

        Raises:
            DataError: If ``k`` is below 1.
        """
        if k < 1:
            raise DataError(f"k is {k}, expected at least 1. Use 1 or more.")
        order = np.argsort(-self.probabilities, kind="stable")[:k]
        return [(self.class_names[index], float(self.probabilities[index])) for index in order]

    def __repr__(self) -> str:
        return f"Prediction({self.label!r}, {self.probability:.4f})"
