"""Golden images: images with the logits that a model computed at the end of training, checked at every load.

They detect a damaged model file that no check of shapes detects, and a machine that computes wrongly.
docs/model-file.md describes how a file stores them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.engine.network import Network
from optotype.errors import ModelError

MAX_IMAGES: Final = 32
"""Maximum number of golden images of a model."""

TOLERANCE: Final = 1e-4
"""Allowed difference of a logit, as a share of the largest absolute logit of its image."""

TIE: Final = 1e-5
"""The predicted class may change if the two largest logits differ by less than this."""


@dataclass(frozen=True, eq=False)
class GoldenImages:
    """Images with the logits that a model computed for them in single precision; both are copied, read-only.

    Attributes:
        images: uint8 array of shape (n, height, width, channels), n in 1 .. 32.
        logits: Finite float32 array of shape (n, classes), before calibration.

    Raises:
        ModelError: If a dtype, shape or value is another.
    """

    images: NDArray[np.uint8]
    logits: NDArray[np.float32]

    def __post_init__(self) -> None:
        images, logits = np.array(self.images), np.array(self.logits)
        has_types = images.dtype == np.uint8 and images.ndim == 4
        has_types &= logits.dtype == np.float32 and logits.ndim == 2
        if not has_types or not 1 <= len(images) <= MAX_IMAGES or len(logits) != len(images):
            raise ModelError(
                f"Golden images are {images.dtype} of shape {images.shape} with logits {logits.dtype} of shape"
                f" {logits.shape}, expected 1 to {MAX_IMAGES} images as uint8 and one row of float32 logits per image."
                " Train the model again."
            )
        if not np.isfinite(logits).all():
            raise ModelError(
                "A logit of a golden image is not finite, expected finite numbers. Train with a lower learning rate."
            )
        for name, array in (("images", images), ("logits", logits)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @classmethod
    def compute(cls, network: Network, images: NDArray[np.uint8]) -> "GoldenImages":
        """Compute a network's logits for images of shape (n, height, width, channels); errors as for the class."""
        return cls(images, network.logits(images))

    def verify(self, network: Network) -> None:
        """Compute the logits again and compare them with the stored ones.

        Raises:
            ModelError: If a logit differs by more than 1e-4 of its image's largest absolute logit, or if the predicted
                class of an image differs although its logit was larger than the second by at least 1e-5.
        """
        logits = network.logits(self.images)
        stored = self.logits.astype(np.float64)
        with np.errstate(invalid="ignore"):  # infinity minus infinity is NaN, which is refused below
            differences = np.abs(logits - stored).max(axis=1)
        allowed = TOLERANCE * np.abs(stored).max(axis=1)
        two_largest = np.sort(stored, axis=1)[:, -2:]
        is_distinct = two_largest[:, -1] - two_largest[:, 0] >= TIE
        has_other_label = (logits.argmax(axis=1) != stored.argmax(axis=1)) & is_distinct
        # Negated, so that NaN counts as a difference.
        different = np.flatnonzero(~(differences <= allowed) | has_other_label)
        if len(different):
            first = different[0]
            raise ModelError(
                f"The model gives other logits for {len(different)} of its {len(stored)} golden images: the logits"
                f" of image {first} differ by up to {differences[first]:.3g}, expected at most {allowed[first]:.3g} and"
                f" the same class. The file is damaged, or this machine computes wrongly on {network.isa}. Copy the"
                " file again from where it was saved; if that does not help, set OPTOTYPE_ISA=portable."
            )
