"""Faults planted into a data set by a fixed seed: 100 of each kind, so that what the doctor finds can be counted."""

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

EACH: Final = 100
SEED: Final = 20261122

Images = NDArray[np.uint8]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Planted:
    """A data set with faults.

    Attributes:
        data: The data set; copies stand behind the images that were there before.
        faults: For each kind the training images that have such a fault.
        ways: For each near copy, by its index, how it was altered.
    """

    data: ot.Dataset
    faults: Mapping[Kind, Indices]
    ways: Mapping[int, str]


def _shifted(image: Images, seed: int) -> Images:
    """Shift by one pixel to one of four sides; what comes in is black."""
    down, right = ((0, 1), (1, 0), (0, -1), (-1, 0))[seed % 4]
    padded: Images = np.pad(image, ((1, 1), (1, 1), (0, 0)))
    height, width, _ = image.shape
    shifted: Images = padded[1 - down : 1 - down + height, 1 - right : 1 - right + width]
    return shifted


def _noisy(image: Images, seed: int) -> Images:
    """Add normal noise with a standard deviation of 10 of 255."""
    noise = 10 * normal(image.size, SEED, seed).reshape(image.shape)
    noisy: Images = np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)
    return noisy


def _darker(image: Images, _: int) -> Images:
    """Take a fifth of the brightness away."""
    darker: Images = np.rint(image * 0.8).astype(np.uint8)
    return darker


def _compressed(image: Images, _: int) -> Images:
    """Save and read as JPEG of quality 75."""
    file = io.BytesIO()
    Image.fromarray(image[..., 0]).save(file, "JPEG", quality=75)
    return np.asarray(Image.open(file))[..., np.newaxis]


def _turned(image: Images, seed: int) -> Images:
    """Turn by two degrees to one side or the other."""
    turned = Image.fromarray(image[..., 0]).rotate(2 if seed % 2 else -2, Image.Resampling.BILINEAR)
    return np.asarray(turned)[..., np.newaxis]


WAYS: Final[Mapping[str, Callable[[Images, int], Images]]] = {
    "shifted by a pixel": _shifted,
    "noise": _noisy,
    "darker": _darker,
    "JPEG": _compressed,
    "turned by 2 degrees": _turned,
}
"""How near copies are altered; each way in turn."""


def plant(data: ot.Dataset, opened: OpenedTest, each: int = EACH) -> Planted:
    """Plant faults of six kinds, no two into the same image.

    Copies are added: exact ones, near ones, exact ones under another label, and copies of test images, every other one
    of them altered as near copies are. In place, labels are changed, and images are inverted, darkened to a tenth,
    brightened, or made flat.

    Args:
        data: Grey images of at least three classes; more than five times as many as are planted of a kind.
        opened: Its test split, unsealed.
        each: How many of each kind.
    """
    n, classes = len(data.images), len(data.class_names)
    exact, near, twice, wrong, odd = permutation(n, SEED)[: 5 * each].reshape(5, each)
    tests = permutation(len(opened.labels), SEED, 1)[:each]
    images, labels = data.images.copy(), data.labels.copy()
    labels[wrong] = _another(labels[wrong], classes)
    images[odd] = [_odd(image, place) for place, image in enumerate(images[odd])]
    names = list(WAYS)
    altered = np.stack(
        [WAYS[names[place % len(names)]](images[index], place) for place, index in enumerate(near)]
    )
    leaked = opened.images[tests].copy()
    for place in range(1, each, 2):
        leaked[place] = WAYS[names[place // 2 % len(names)]](leaked[place], place)
    starts = n + each * np.arange(4)
    return Planted(
        replace(
            data,
            images=np.concatenate([images, images[exact], altered, images[twice], leaked]),
            labels=np.concatenate(
                [labels, labels[exact], labels[near], _another(labels[twice], classes), opened.labels[tests]]
            ),
        ),
        {
            "duplicate": starts[0] + np.arange(each),
            "near_duplicate": starts[1] + np.arange(each),
            "conflict": starts[2] + np.arange(each),
            "leak": starts[3] + np.arange(each),
            "label_error": wrong,
            "brightness": odd,
        },
        {int(starts[1]) + place: names[place % len(names)] for place in range(each)},
    )


def _another(labels: Indices, classes: int) -> Indices:
    """Give each image another label than its own."""
    return (labels + 1 + permutation(len(labels), SEED, 2) % (classes - 1)) % classes


def _odd(image: Images, place: int) -> Images:
    """Invert an image, darken it to a tenth, brighten it by 150, or press it into a fifth of the range."""
    values = image.astype(np.float64)
    ways = 255 - values, values / 10, values + 150, values / 5 + 100
    return np.clip(np.rint(ways[place % 4]), 0, 255).astype(np.uint8)
