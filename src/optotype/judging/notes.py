"""Notes of a judgement: sentences on what limits the scores."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.dataset import Dataset
from optotype.judging.judgement import Score
from optotype.storage.digests import digests, match_digests

MIN_IMAGES: Final = 100
"""A note is added to a score of fewer images."""
MIN_IMAGES_PER_CLASS: Final = 30
"""A note is added to a score of fewer images of a class."""
_MAX_LISTED: Final = 5


def notes_on_sample_size(score: Score) -> list[str]:
    """Return notes on samples that are too small for reliable scores.

    Args:
        score: The score that the verdict is about.

    Returns:
        Sentences on few images, on classes without images, and on classes with few images.
    """
    notes = []
    if score.n < MIN_IMAGES:
        width = 100 * (score.accuracy.high - score.accuracy.low)
        notes.append(
            f"n = {score.n} is small: the interval of the accuracy is {width:.0f} points wide, and the intervals of F1,"
            " kappa and loss are too narrow."
        )
    missing = [each.name for each in score.classes if each.n == 0]
    if missing:
        notes.append(f"No images of {_list(missing)}: {_this_class(missing)} could not be evaluated.")
    few = sorted((each.n, each.name) for each in score.classes if 0 < each.n < MIN_IMAGES_PER_CLASS)
    if few:
        names = _list([f"{name} ({n})" for n, name in few])
        notes.append(
            f"Fewer than {MIN_IMAGES_PER_CLASS} images of {names}: the scores of {_this_class(few)} are uncertain."
        )
    return notes


def notes_on_added_test_images(data: Dataset, test_images: NDArray[np.uint8]) -> list[str]:
    """Return a note on additional training images that are exact copies of test images.

    This cannot be checked before the test set is opened. Leaks from the source's own training images are reported by
    the diagnosis, from one in a thousand; a user who adds test images must learn of a single one.

    Args:
        data: The data set that the model was trained on.
        test_images: The test images, uint8 of shape (n, height, width, channels).

    Returns:
        One sentence that lists the files; none if there is no copy.
    """
    if data.addition is None:
        return []
    is_copy = match_digests(digests(test_images), digests(data.images[data.own_images :])) >= 0
    copies = [file for file, copy in zip(data.addition.files, is_copy, strict=True) if copy]
    if not copies:
        return []
    subject = "1 added training image is an exact copy"
    if len(copies) > 1:
        subject = f"{len(copies):,} added training images are exact copies"
    consequence = "the score says nothing about these images"
    return [f"{subject} of test images; {consequence}. Remove the files and train again: {_list(copies)}."]


def _this_class(classes: list[str] | list[tuple[int, str]]) -> str:
    return "this class" if len(classes) == 1 else "these classes"


def _list(names: list[str]) -> str:
    n_more = len(names) - _MAX_LISTED
    return ", ".join(names[:_MAX_LISTED]) + (f" and {n_more} more" if n_more > 0 else "")
