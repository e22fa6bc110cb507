"""What simpler classifiers come to on the same images, so that an accuracy is seen for what it is.

Three of them: the class that is most frequent in training, the nearest neighbours, and logistic regression on pixels.
They see as many images as some seconds allow, which is said, and are never part of a training. What came out is kept in
the cache folder, by the content of the images and the split; what is read from there is checked, and made anew where it
is not as expected.
"""

import hashlib
import threading
import warnings
from contextlib import suppress
from dataclasses import asdict
from json import dumps
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, TypeAdapter, ValidationError

from optotype.data.dataset import Dataset
from optotype.data.sealed import OpenedTest
from optotype.data.splits import Split, stratified_split
from optotype.judging.judgement import Baseline
from optotype.metrics import proportion
from optotype.randomness import permutation
from optotype.storage.atomic import write_durably
from optotype.storage.cache_folder import cache_folder

_WAY: Final = 1
"""Counts the ways in which baselines were made: results of another are not taken over."""
_ASKED: Final = 2_000
"""Test images that the slower ones are asked about."""
_SIDE: Final = 32
"""Pixels a side of the images that they see; larger ones are averaged in blocks."""
_DISTANCES: Final = 3e10
_GRADIENTS: Final = 8e7
"""Multiplications that neighbours may cost, and a step of the regression: each comes to about 1.5 s of one core."""
_NEIGHBOURS: Final = 5
_LARGEST: Final = 1 << 16
"""Bytes of a file in the cache that are read."""

_BASELINES: Final = TypeAdapter(tuple[Baseline, ...], config=ConfigDict(allow_inf_nan=False))
# warnings.catch_warnings changes the whole process: one thread at a time.
_quiet = threading.Lock()

Pixels = NDArray[np.float32]
Labels = NDArray[np.int64]


def baselines(data: Dataset, split: Split, opened: OpenedTest) -> tuple[Baseline, ...]:
    """Measure the baselines, or find them measured.

    Args:
        data: The data set, of which they are trained on a part of the training images.
        split: Which those are.
        opened: What they are asked about.
    """
    told = dumps([_WAY, data.fingerprint, split.fingerprint, opened.fingerprint])
    path = cache_folder() / "baselines" / f"{hashlib.sha256(told.encode()).hexdigest()}.json"
    with suppress(OSError, ValidationError):
        return _read(path)
    found = (_majority(data, split, opened), *_on_pixels(data, split, opened))
    # Where the cache cannot be written they are measured again next time.
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, f"{dumps([asdict(each) for each in found])}\n".encode())
    return found


def _read(path: Path) -> tuple[Baseline, ...]:
    with path.open("rb") as file:
        return _BASELINES.validate_json(file.read(_LARGEST))


def _majority(data: Dataset, split: Split, opened: OpenedTest) -> Baseline:
    counts = np.bincount(data.labels[split.train])
    n = len(opened.labels)
    share = proportion(int((opened.labels == counts.argmax()).sum()), n)
    return Baseline(f"always {data.class_names[counts.argmax()]}", len(split.train), share, n)


def _on_pixels(data: Dataset, split: Split, opened: OpenedTest) -> list[Baseline]:
    """Train and ask those that look at the images."""
    asked = np.sort(permutation(len(opened.labels), _WAY)[:_ASKED])
    images, labels = _pixels(opened.images[asked]), opened.labels[asked]
    size = images.shape[1]
    near = _part(data.labels, split.train, int(_DISTANCES / (len(asked) * size)))
    regressed = _part(data.labels, split.train, int(_GRADIENTS / (size * len(data.class_names))))
    answers = {
        f"{min(_NEIGHBOURS, len(near))} nearest neighbours": (
            near,
            _neighbours(_pixels(data.images[near]), data.labels[near], images),
        ),
        "logistic regression": (
            regressed,
            _regression(_pixels(data.images[regressed]), data.labels[regressed], images),
        ),
    }
    n = len(asked)
    return [
        Baseline(name, len(seen), proportion(int((answer == labels).sum()), n), n)
        for name, (seen, answer) in answers.items()
    ]


def _part(labels: Labels, rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Choose training images, so many of each class that their shares stay the same."""
    own = labels[rows]
    classes = len(np.unique(own))
    wanted = max(most, classes)
    if wanted > len(rows) - classes:
        return rows
    return rows[stratified_split(own, wanted, _WAY).validation]


def _pixels(images: NDArray[np.uint8] | Pixels) -> Pixels:
    """Flatten images into rows of float32 in 0 .. 1, averaging blocks where they are large."""
    n, height, width, channels = images.shape
    block = min(-(-max(height, width) // _SIDE), height, width)
    if block > 1:
        across = images[:, : height // block * block, : width // block * block]
        blocks = across.reshape(n, height // block, block, width // block, block, channels)
        images = blocks.mean(axis=(2, 4), dtype=np.float32)
    return images.reshape(n, -1).astype(np.float32) / np.float32(255)


def _neighbours(images: Pixels, labels: Labels, asked: Pixels) -> Labels:
    from sklearn.neighbors import KNeighborsClassifier  # noqa: PLC0415 - loaded only to judge

    nearest = KNeighborsClassifier(min(_NEIGHBOURS, len(labels)), algorithm="brute")
    answer: Labels = nearest.fit(images, labels).predict(asked)
    return answer


def _regression(images: Pixels, labels: Labels, asked: Pixels) -> Labels:
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - loaded only to judge
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - the same
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - the same

    if labels.min() == labels.max():  # a rare class may have no image among those that it may see
        return np.full(len(asked), labels[0])
    # On such small matrices a second thread gains little, and beside other work it costs many times what it gains.
    with _quiet, threadpool_limits(1, "blas"), warnings.catch_warnings():
        # A hundred steps come close enough.
        warnings.simplefilter("ignore", ConvergenceWarning)
        answer: Labels = LogisticRegression().fit(images, labels).predict(asked)
    return answer
