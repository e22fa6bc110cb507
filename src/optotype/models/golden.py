"""Golden images: what a model said of a few images when its training ended, and whether it still says so.

A model file may be damaged where no check of shapes sees it, and a machine may compute wrongly. Either shows here.
docs/model-file.md says what a file holds of them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.engine.network import Network
from optotype.errors import ModelError

MOST: Final = 32
"""Golden images that a model has at most."""

TOLERANCE: Final = 1e-4
"""By how much a logit may differ, as a share of the largest absolute logit of its image."""

TIE: Final = 1e-5
"""Two best logits that were nearer than this may change places."""


@dataclass(frozen=True, eq=False)
class Golden:
    """A few images with the logits that a model gave of them in single precision; both are copied, read-only.

    Attributes:
        images: uint8 array of shape (n, height, width, channels), n in 1 .. 32.
        logits: Finite float32 array of shape (n, classes), n as above, before calibration.

    Raises:
        ModelError: They are not.
    """

    images: NDArray[np.uint8]
    logits: NDArray[np.float32]

    def __post_init__(self) -> None:
        images, logits = np.array(self.images), np.array(self.logits)
        right = images.dtype == np.uint8 and images.ndim == 4
        right &= logits.dtype == np.float32 and logits.ndim == 2
        if not right or not 1 <= len(images) <= MOST or len(logits) != len(images):
            raise ModelError(
                f"Golden images are {images.dtype} of shape {images.shape} with logits {logits.dtype} of shape"
                f" {logits.shape}, expected 1 to {MOST} images as uint8 with as many rows of float32."
                " Train the model again."
            )
        if not np.isfinite(logits).all():
            raise ModelError(
                "A logit of a golden image is not finite, expected numbers. Train with a lower learning rate."
            )
        for name, array in (("images", images), ("logits", logits)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @classmethod
    def record(cls, network: Network, images: NDArray[np.uint8]) -> "Golden":
        """Keep what a network says of images, of shape (n, height, width, channels); ModelError as for the class."""
        return cls(images, network.logits(images))

    def replay(self, network: Network) -> None:
        """Ask a network about the images again.

        Raises:
            ModelError: A logit differs by more than 1e-4 of its image's largest, or a label whose logit led by at
                least 1e-5 is another.
        """
        said = network.logits(self.images)
        then = self.logits.astype(np.float64)
        with np.errstate(invalid="ignore"):  # infinity less infinity is no number, and is refused as that
            apart = np.abs(said - then).max(axis=1)
        allowed = TOLERANCE * np.abs(then).max(axis=1)
        best = np.sort(then, axis=1)[:, -2:]
        relabelled = (said.argmax(axis=1) != then.argmax(axis=1)) & (best[:, -1] - best[:, 0] >= TIE)
        # Written so that NaN counts as different.
        wrong = np.flatnonzero(~(apart <= allowed) | relabelled)
        if len(wrong):
            first = wrong[0]
            raise ModelError(
                f"The model no longer says what it said of {len(wrong)} of its {len(then)} golden images: the logits"
                f" of image {first} differ by up to {apart[first]:.3g}, expected at most {allowed[first]:.3g} and the"
                f" same label. The file is damaged, or this machine computes wrongly on {network.isa}. Copy the file"
                " again from where it was saved; if that does not help, set OPTOTYPE_ISA=portable."
            )
