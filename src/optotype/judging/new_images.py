"""Labelled images that the model was not trained on, with labels in the order of the model's classes.

All checks come before the test split is opened: its images are scored with the others, and the opening is counted.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.arrays.images import convert_channels
from optotype.data.dataset import Dataset
from optotype.data.sealed import OpenedTest, open_test
from optotype.errors import DataError, OptotypeError
from optotype.models.model import Model
from optotype.runs.origin import Origin, reload_data
from optotype.storage.digests import digests, match_digests

_MAX_LISTED: Final = 10


@dataclass(frozen=True, eq=False)
class NewImages:
    """Images to judge a model on.

    Attributes:
        images: uint8 of shape (n, height, width, channels): the training images, then the images of the test split.
        labels: The class of each image, int64 of shape (n,), in the model's order.
        files: The name of each file; None if the images have no files.
        opened: The opened test split.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    files: tuple[str, ...] | None
    opened: OpenedTest


def open_new_images(model: Model, data: Dataset, runs_root: Path, by: str) -> NewImages:
    """Return all images of a data set in the form that a model takes.

    Args:
        model: The model.
        data: The data set; its class names are the model's or a subset of them. Image files may be grey if the model
            takes colour, or in colour if it takes grey: they are converted, as for a prediction.
        runs_root: Folder in which the opening of the test split is counted.
        by: The name of the opening in the log.

    Raises:
        DataError: If the images do not have the model's shape, or the data set has classes that the model lacks.
        RunError: If the opening could not be written to the log.
    """
    channels = model.input_shape[2]
    shape = data.shape if data.files is None else (*data.shape[:2], channels)
    if shape != model.input_shape:
        raise DataError(
            f"The images of {data.name} are {_format_shape(data.shape)}, expected {_format_shape(model.input_shape)} as"
            " in training. Resize them, or judge a model that was trained on such images."
        )
    model_classes = _model_classes(data, model.class_names)
    opened = open_test(data, runs_root, by=by)
    files = None if data.files is None or data.test.files is None else (*data.files, *data.test.files)
    images = convert_channels(np.concatenate([data.images, opened.images]), channels)
    return NewImages(images, model_classes[np.concatenate([data.labels, opened.labels])], files, opened)


def note_on_conversion(data: Dataset, model: Model) -> str:
    """Return a note that images were converted between grey and colour; "" if they were not."""
    if data.shape[2] == model.input_shape[2]:
        return ""
    old, new = ("grey", "colour") if data.shape[2] == 1 else ("colour", "grey")
    return f"The images were converted from {old} to {new}, because the model was trained on {new} images."


def note_on_training_copies(images: NDArray[np.uint8], origin: Origin, model: Model) -> str:
    """Return a note on images that are exact copies of the model's training data; "" if there are none."""
    try:
        trained, _ = reload_data(origin, model.recipe)
    except OptotypeError as error:
        return f"The images could not be checked for copies of the model's training images. {error}"
    copies = int((match_digests(digests(trained.images), digests(images)) >= 0).sum())
    if not copies:
        return ""
    return (
        f"{copies:,} of the {len(images):,} images are exact copies of images of {origin.data.name}, which the model"
        " was trained on. The score may overestimate the accuracy on new images."
    )


def _model_classes(data: Dataset, class_names: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the model's class index for each class of the data set, matched by name."""
    unknown = [name for name in data.class_names if name not in class_names]
    if unknown:
        listed = []
        for name in unknown[:_MAX_LISTED]:
            closest = get_close_matches(name, class_names, n=1, cutoff=0.5)
            listed.append(f"{name!r} (the closest is {closest[0]!r})" if closest else repr(name))
        more = f" and {len(unknown) - _MAX_LISTED} more" if len(unknown) > _MAX_LISTED else ""
        expected = ", ".join(map(repr, class_names[:_MAX_LISTED]))
        expected += ", ..." if len(class_names) > _MAX_LISTED else ""
        raise DataError(
            f"{data.name} has classes that the model does not know: {', '.join(listed)}{more}; expected classes among"
            f" {expected}. Rename them, or leave their images out."
        )
    return np.array([class_names.index(name) for name in data.class_names], np.int64)


def _format_shape(shape: tuple[int, int, int]) -> str:
    height, width, channels = shape
    return f"{height} x {width} pixels in {'grey' if channels == 1 else f'{channels} channels'}"
