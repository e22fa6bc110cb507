"""Labelled pictures that a training did not know of, brought into the order of a model's classes.

Everything about them is checked before their test split is opened: its images are scored with the others, and that
opening is counted.
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
from optotype.runs.origin import Origin, reload
from optotype.storage.digests import digests, match_digests

_LISTED: Final = 10


@dataclass(frozen=True, eq=False)
class NewPictures:
    """Pictures to judge a model on.

    Attributes:
        images: uint8 of shape (n, height, width, channels): those for training, then those of the test split.
        labels: The class of each, int64 of shape (n,), in the model's order.
        files: The name of each; None where images have no files.
        opened: The test split, as it was opened.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    files: tuple[str, ...] | None
    opened: OpenedTest


def open_pictures(model: Model, data: Dataset, runs_root: Path, by: str) -> NewPictures:
    """Bring all images of a data set before a model.

    Args:
        model: The model.
        data: The data set; its classes are the model's or some of them, by their names. Picture files may be grey where
            the model takes colours, or coloured where it takes grey: they are converted, as for a prediction.
        runs_root: Folder in which the opening of its test split is counted.
        by: Who opens it.

    Raises:
        DataError: The images are not of the model's shape, or have classes that it does not know.
        RunError: The opening could not be written down.
    """
    channels = model.input_shape[2]
    shape = data.shape if data.files is None else (*data.shape[:2], channels)
    if shape != model.input_shape:
        raise DataError(
            f"The images of {data.name} are {_shape(data.shape)}, expected {_shape(model.input_shape)} as the model was"
            " trained on. Bring them to that, or judge a model that was trained on such images."
        )
    places = _places(data, model.class_names)
    opened = open_test(data, runs_root, by=by)
    files = None if data.files is None or data.test.files is None else (*data.files, *data.test.files)
    images = convert_channels(np.concatenate([data.images, opened.images]), channels)
    return NewPictures(images, places[np.concatenate([data.labels, opened.labels])], files, opened)


def note_on_colours(data: Dataset, model: Model) -> str:
    """Say that pictures were converted; "" where they have the colours that the model takes."""
    if data.shape[2] == model.input_shape[2]:
        return ""
    theirs, other = ("grey", "in colour") if data.shape[2] == 1 else ("in colour", "grey")
    return (
        f"The pictures are {theirs}, those that the model was trained on {other}: they were converted for it."
    )


def note_on_copies(images: NDArray[np.uint8], origin: Origin, model: Model) -> str:
    """Say how many images are exact copies of those that the model was trained on; "" where none is."""
    try:
        trained, _ = reload(origin, model.recipe)
    except OptotypeError as error:
        return f"Whether some of them were trained on could not be looked up. {error}"
    copies = int((match_digests(digests(trained.images), digests(images)) >= 0).sum())
    if not copies:
        return ""
    return (
        f"{copies:,} of the {len(images):,} images are exact copies of images of {origin.data.name}, which the model"
        " was trained on: of new images the score says less than it seems to."
    )


def _places(data: Dataset, known: tuple[str, ...]) -> NDArray[np.int64]:
    """Give the model's class for each class of the data, by name."""
    strange = [name for name in data.class_names if name not in known]
    if strange:
        told = []
        for name in strange[:_LISTED]:
            near = get_close_matches(name, known, n=1, cutoff=0.5)
            told.append(f"{name!r} (the nearest is {near[0]!r})" if near else repr(name))
        more = f" and {len(strange) - _LISTED} more" if len(strange) > _LISTED else ""
        names = ", ".join(map(repr, known[:_LISTED])) + (", ..." if len(known) > _LISTED else "")
        raise DataError(
            f"{data.name} has classes that the model does not know: {', '.join(told)}{more}; expected some of {names}."
            " Rename them, or leave their images out."
        )
    return np.array([known.index(name) for name in data.class_names], np.int64)


def _shape(shape: tuple[int, int, int]) -> str:
    height, width, channels = shape
    return f"{height} x {width} pixels in {'grey' if channels == 1 else f'{channels} channels'}"
