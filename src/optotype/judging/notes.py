"""What a careful reader must know beside the numbers, in sentences."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.dataset import Dataset
from optotype.judging.judgement import Score
from optotype.storage.digests import digests, match_digests

FEW: Final = 100
"""Images below which a score is said to be of few."""
FEW_OF_A_CLASS: Final = 30
_LISTED: Final = 5


def notes_on(score: Score) -> list[str]:
    """Say where there are too few images for much to be known.

    Args:
        score: The one that the verdict is about.
    """
    notes = []
    if score.n < FEW:
        width = 100 * (score.accuracy.high - score.accuracy.low)
        notes.append(
            f"{score.n} images are few: the interval of the accuracy is {width:.0f} points wide, and those of F1, kappa"
            " and loss are narrower than they should be."
        )
    missing = [each.name for each in score.classes if each.n == 0]
    if missing:
        notes.append(f"No image shows {_list(missing)}: nothing is known of {_them(missing)}.")
    few = sorted((each.n, each.name) for each in score.classes if 0 < each.n < FEW_OF_A_CLASS)
    if few:
        told = _list([f"{name} ({n})" for n, name in few])
        notes.append(
            f"Fewer than {FEW_OF_A_CLASS} images show {told}: little is known of {_them(few)} alone."
        )
    return notes


def notes_on_added(data: Dataset, tests: NDArray[np.uint8]) -> list[str]:
    """Say which of the pictures that were added to the training images are test images to the pixel.

    Only now can that be seen: before, nobody looked at the test images. Of the source's own training images it is
    said by the diagnosis, from one in a thousand; whoever adds a test image is to know of a single one.

    Args:
        data: What was trained on.
        tests: The test images, uint8 of shape (n, height, width, channels).
    """
    if data.addition is None:
        return []
    alike = match_digests(digests(tests), digests(data.images[data.own_images :])) >= 0
    copies = [file for file, leaks in zip(data.addition.files, alike, strict=True) if leaks]
    if not copies:
        return []
    noun = "picture" if len(copies) == 1 else "pictures"
    said = f"{len(copies):,} added {noun} that it was trained on show test images, pixel by pixel"
    return [f"{said}: of these the score says nothing. Take them away and train again: {_list(copies)}."]


def _them(classes: list[str] | list[tuple[int, str]]) -> str:
    return "this class" if len(classes) == 1 else "these classes"


def _list(names: list[str]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")
