"""Accuracies of three simple classifiers on the same images, for comparison with the model.

The three are the most frequent training class, nearest neighbours, and logistic regression on pixels. They use as many
images as a few seconds allow, which each result states, and they are never part of a training. Results are cached in
the cache folder under the content of the images and the split. A cached result is validated, and measured again if it
is invalid.
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

_METHOD_VERSION: Final = 1
"""Version of the method: cached results of another version are not used. It also seeds the samples."""
_MAX_TEST_IMAGES: Final = 2_000
"""Test images that the slower baselines predict."""
_MAX_SIDE: Final = 32
"""Side in pixels of the images that the slower baselines use; larger images are averaged in blocks."""
_MAX_DISTANCE_PRODUCTS: Final = 3e10
_MAX_GRADIENT_PRODUCTS: Final = 8e7
"""Multiplications of the neighbour search, and of one step of the regression: each takes about 1.5 s on one core."""
_NEIGHBOURS: Final = 5
_MAX_CACHE_BYTES: Final = 1 << 16
"""Bytes of a cache file that are read."""

_BASELINES: Final = TypeAdapter(tuple[Baseline, ...], config=ConfigDict(allow_inf_nan=False))
# warnings.catch_warnings changes the whole process, so only one thread at a time may use it.
_warnings_lock = threading.Lock()

Pixels = NDArray[np.float32]
Labels = NDArray[np.int64]


def measure_baselines(data: Dataset, split: Split, opened: OpenedTest) -> tuple[Baseline, ...]:
    """Measure the baselines, or read them from the cache.

    Args:
        data: The data set; the baselines are trained on some of its training images.
        split: The split into training and validation images.
        opened: The test images that the baselines predict.

    Returns:
        One result for each baseline.
    """
    key = dumps([_METHOD_VERSION, data.fingerprint, split.fingerprint, opened.fingerprint])
    path = cache_folder() / "baselines" / f"{hashlib.sha256(key.encode()).hexdigest()}.json"
    with suppress(OSError, ValidationError):
        return _read(path)
    baselines = (_majority(data, split, opened), *_on_pixels(data, split, opened))
    # If the cache is not writable, the baselines are measured again next time.
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, f"{dumps([asdict(baseline) for baseline in baselines])}\n".encode())
    return baselines


def _read(path: Path) -> tuple[Baseline, ...]:
    with path.open("rb") as file:
        return _BASELINES.validate_json(file.read(_MAX_CACHE_BYTES))


def _majority(data: Dataset, split: Split, opened: OpenedTest) -> Baseline:
    counts = np.bincount(data.labels[split.train])
    n = len(opened.labels)
    accuracy = proportion(int((opened.labels == counts.argmax()).sum()), n)
    return Baseline(f"always {data.class_names[counts.argmax()]}", len(split.train), accuracy, n)


def _on_pixels(data: Dataset, split: Split, opened: OpenedTest) -> list[Baseline]:
    """Train and evaluate the baselines that use pixels."""
    test_rows = np.sort(permutation(len(opened.labels), _METHOD_VERSION)[:_MAX_TEST_IMAGES])
    images, labels = _pixels(opened.images[test_rows]), opened.labels[test_rows]
    size = images.shape[1]
    for_neighbours = _sample(data.labels, split.train, int(_MAX_DISTANCE_PRODUCTS / (len(test_rows) * size)))
    for_regression = _sample(
        data.labels, split.train, int(_MAX_GRADIENT_PRODUCTS / (size * len(data.class_names)))
    )
    predictions = {
        f"{min(_NEIGHBOURS, len(for_neighbours))} nearest neighbours": (
            for_neighbours,
            _predict_neighbours(_pixels(data.images[for_neighbours]), data.labels[for_neighbours], images),
        ),
        "logistic regression": (
            for_regression,
            _predict_regression(_pixels(data.images[for_regression]), data.labels[for_regression], images),
        ),
    }
    n = len(test_rows)
    return [
        Baseline(name, len(train_rows), proportion(int((predicted == labels).sum()), n), n)
        for name, (train_rows, predicted) in predictions.items()
    ]


def _sample(labels: Labels, rows: NDArray[np.int64], max_rows: int) -> NDArray[np.int64]:
    """Return a stratified sample of training rows, at least one of each class."""
    row_labels = labels[rows]
    classes = len(np.unique(row_labels))
    size = max(max_rows, classes)
    if size > len(rows) - classes:
        return rows
    return rows[stratified_split(row_labels, size, _METHOD_VERSION).validation]


def _pixels(images: NDArray[np.uint8] | Pixels) -> Pixels:
    """Flatten images into rows of float32 in 0 .. 1; large images are averaged in blocks first."""
    n, height, width, channels = images.shape
    block = min(-(-max(height, width) // _MAX_SIDE), height, width)
    if block > 1:
        cropped = images[:, : height // block * block, : width // block * block]
        blocks = cropped.reshape(n, height // block, block, width // block, block, channels)
        images = blocks.mean(axis=(2, 4), dtype=np.float32)
    return images.reshape(n, -1).astype(np.float32) / np.float32(255)


def _predict_neighbours(images: Pixels, labels: Labels, test_images: Pixels) -> Labels:
    from sklearn.neighbors import KNeighborsClassifier  # noqa: PLC0415 - loaded only to judge

    classifier = KNeighborsClassifier(min(_NEIGHBOURS, len(labels)), algorithm="brute")
    predicted: Labels = classifier.fit(images, labels).predict(test_images)
    return predicted


def _predict_regression(images: Pixels, labels: Labels, test_images: Pixels) -> Labels:
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - loaded only to judge
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - loaded only to judge
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - loaded only to judge

    if labels.min() == labels.max():  # the sample may contain no image of a rare class
        return np.full(len(test_images), labels[0])
    # On matrices this small a second thread gains little, and next to other work it costs many times that.
    with _warnings_lock, threadpool_limits(1, "blas"), warnings.catch_warnings():
        # A hundred steps come close enough to the optimum.
        warnings.simplefilter("ignore", ConvergenceWarning)
        predicted: Labels = LogisticRegression().fit(images, labels).predict(test_images)
    return predicted
