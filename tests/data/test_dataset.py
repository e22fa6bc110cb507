"""Data sets and their fingerprints."""

from dataclasses import replace

import numpy as np
import pytest

from optotype.data.dataset import Dataset, SealedTest, fingerprint, set_fingerprint


def _dataset(reads: list[int]) -> Dataset:
    images, labels = np.zeros((3, 2, 2, 1), np.uint8), np.arange(3)

    def read() -> tuple[np.ndarray, np.ndarray]:
        reads.append(1)
        return images, labels

    return Dataset("tiny", images, labels, ("a", "b", "c"), "not stated", "tiny", SealedTest(3, read))


def test_fingerprint_is_computed_once_on_first_use() -> None:
    """The test split is read when its fingerprint is first used, and only once."""
    reads: list[int] = []
    data = _dataset(reads)
    assert reads == []
    assert data.test.fingerprint == data.test.fingerprint
    assert reads == [1]
    assert data.fingerprint is data.fingerprint


def test_known_fingerprint_is_neither_recomputed_nor_copied() -> None:
    """A known fingerprint is not computed again; a copy with other labels does not inherit it."""
    reads: list[int] = []
    data = _dataset(reads)
    set_fingerprint(data, "sha256:known")
    set_fingerprint(data.test, "sha256:test")
    assert (data.fingerprint, data.test.fingerprint, reads) == ("sha256:known", "sha256:test", [])
    relabelled = replace(data, labels=data.labels[::-1].copy())
    assert relabelled.fingerprint == fingerprint(relabelled.images, relabelled.labels, relabelled.class_names)


def test_class_names_affect_the_training_fingerprint_only() -> None:
    """Class names change the fingerprint of training data; a test set's fingerprint does not depend on names."""
    data = _dataset([])
    assert data.fingerprint == fingerprint(data.images, data.labels, data.class_names)
    assert data.fingerprint != fingerprint(data.images, data.labels, ("a", "b", "d"))
    assert data.test.fingerprint == fingerprint(data.images, data.labels)


@pytest.mark.parametrize("shape", [(3, 4, 1, 1), (3, 1, 4, 1), (4, 3, 1, 1)])
def test_shape_affects_the_fingerprint(shape: tuple[int, ...]) -> None:
    """The same bytes in another shape have another fingerprint."""
    labels = np.arange(3)
    assert fingerprint(np.zeros((3, 2, 2, 1), np.uint8), labels) != fingerprint(
        np.zeros(shape, np.uint8), labels
    )


def test_memory_layout_does_not_affect_the_fingerprint() -> None:
    """Strided images and narrow labels have the fingerprint of their values."""
    images, labels = np.arange(24, dtype=np.uint8).reshape(6, 2, 2, 1), np.arange(6)
    strided = np.asfortranarray(images)
    assert fingerprint(strided, labels.astype(np.int64)) == fingerprint(images, labels)


def test_repr_has_no_pixels() -> None:
    """The repr of a data set contains its name and no arrays."""
    assert "array" not in repr(_dataset([]))
    assert "tiny" in repr(_dataset([]))
