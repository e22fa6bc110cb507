"""Faults planted into a data set with a fixed seed: 100 of each kind, so that the doctor's findings can be scored."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import optotype as ot
from optotype.checking.findings import Kind
from optotype.data.sealed import OpenedTest
from optotype.randomness import normal, permutation

FAULTS_PER_KIND: Final = 100
SEED: Final = 20261122

Images = NDArray[np.uint8]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class PlantedFaults:
    """A data set with planted faults.

    Attributes:
        data: The data set; copies follow the original images.
        faults: For each kind the indices of the training images with such a fault.
        alterations: For each near copy, by its index, the name of its alteration.
    """

    data: ot.Dataset
    faults: Mapping[Kind, Indices]
    alterations: Mapping[int, str]


def _shift(image: Images, seed: int) -> Images:
    """Shift by one pixel in one of four directions; the border is filled with black."""
    down, right = ((0, 1), (1, 0), (0, -1), (-1, 0))[seed % 4]
    padded: Images = np.pad(image, ((1, 1), (1, 1), (0, 0)))
    height, width, _ = image.shape
    shifted: Images = padded[1 - down : 1 - down + height, 1 - right : 1 - right + width]
    return shifted


def _add_noise(image: Images, seed: int) -> Images:
    """Add normal noise with a standard deviation of 10 of 255."""
    noise = 10 * normal(image.size, SEED, seed).reshape(image.shape)
    noisy: Images = np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)
    return noisy


def _darken(image: Images, _: int) -> Images:
    """Reduce the brightness by a fifth."""
    darker: Images = np.rint(image * 0.8).astype(np.uint8)
    return darker


def _compress(image: Images, _: int) -> Images:
    """Save and read as JPEG of quality 75."""
    file = io.BytesIO()
    Image.fromarray(image[..., 0]).save(file, "JPEG", quality=75)
    return np.asarray(Image.open(file))[..., np.newaxis]


def _rotate(image: Images, seed: int) -> Images:
    """Rotate by two degrees in one of both directions."""
    rotated = Image.fromarray(image[..., 0]).rotate(2 if seed % 2 else -2, Image.Resampling.BILINEAR)
    return np.asarray(rotated)[..., np.newaxis]


ALTERATIONS: Final[Mapping[str, Callable[[Images, int], Images]]] = {
    "shifted by a pixel": _shift,
    "noise": _add_noise,
    "darker": _darken,
    "JPEG": _compress,
    "rotated by 2 degrees": _rotate,
}
"""The alterations of near copies, used in turn."""


def plant(data: ot.Dataset, opened: OpenedTest, per_kind: int = FAULTS_PER_KIND) -> PlantedFaults:
    """Plant faults of six kinds, at most one per image.

    Copies are appended: exact copies, near copies, exact copies with another label, and copies of test images, every
    other one of them altered like a near copy. In place, labels are changed, and images are inverted, darkened to a
    tenth, brightened, or reduced in contrast.

    Args:
        data: Grey images of at least three classes; more than five times as many images as faults of a kind.
        opened: The opened test split.
        per_kind: Number of faults of each kind.
    """
    n, classes = len(data.images), len(data.class_names)
    exact, near, twice, wrong, odd = permutation(n, SEED)[: 5 * per_kind].reshape(5, per_kind)
    test_rows = permutation(len(opened.labels), SEED, 1)[:per_kind]
    images, labels = data.images.copy(), data.labels.copy()
    labels[wrong] = _other_labels(labels[wrong], classes)
    images[odd] = [_change_brightness(image, number) for number, image in enumerate(images[odd])]
    names = list(ALTERATIONS)
    altered = np.stack(
        [ALTERATIONS[names[number % len(names)]](images[row], number) for number, row in enumerate(near)]
    )
    leaked = opened.images[test_rows].copy()
    for number in range(1, per_kind, 2):
        leaked[number] = ALTERATIONS[names[number // 2 % len(names)]](leaked[number], number)
    starts = n + per_kind * np.arange(4)
    return PlantedFaults(
        replace(
            data,
            images=np.concatenate([images, images[exact], altered, images[twice], leaked]),
            labels=np.concatenate(
                [
                    labels,
                    labels[exact],
                    labels[near],
                    _other_labels(labels[twice], classes),
                    opened.labels[test_rows],
                ]
            ),
        ),
        {
            "duplicate": starts[0] + np.arange(per_kind),
            "near_duplicate": starts[1] + np.arange(per_kind),
            "conflict": starts[2] + np.arange(per_kind),
            "leak": starts[3] + np.arange(per_kind),
            "label_error": wrong,
            "brightness": odd,
        },
        {int(starts[1]) + number: names[number % len(names)] for number in range(per_kind)},
    )


def _other_labels(labels: Indices, classes: int) -> Indices:
    """Return for each image a label other than its own."""
    return (labels + 1 + permutation(len(labels), SEED, 2) % (classes - 1)) % classes


def _change_brightness(image: Images, number: int) -> Images:
    """Invert an image, darken it to a tenth, brighten it by 150, or compress it into a fifth of the range."""
    values = image.astype(np.float64)
    changed = 255 - values, values / 10, values + 150, values / 5 + 100
    return np.clip(np.rint(changed[number % 4]), 0, 255).astype(np.uint8)
