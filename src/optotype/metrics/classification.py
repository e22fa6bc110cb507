"""Scores of a classifier, from its logits (what comes before softmax) and the true labels, in float64."""

import numpy as np
from numpy.typing import NDArray

from optotype.errors import DataError


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Turn logits into probabilities, without overflow at any finite size.

    Args:
        logits: Finite floating-point array of shape (n, classes).

    Returns:
        float64 array of the same shape; each row is at least 0 and sums to 1.
    """
    shifted = _shifted(logits)
    powers = np.exp(shifted)
    probabilities: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return probabilities


def accuracy(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Give the share of images whose largest logit is that of their label; of equal logits the first counts.

    Args:
        logits: Floating-point array of shape (n, classes), n at least 1.
        labels: Integer array of shape (n,), each in 0 .. classes - 1.

    Returns:
        A number in [0, 1].

    Raises:
        DataError: The shapes do not match, there is no image, or a label has no logit.
    """
    _check(logits, labels)
    return float(np.mean(np.argmax(logits, axis=1) == labels))


def log_loss(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Give the mean cross-entropy, -log of the probability of the true class, in nats.

    Computed as log(sum(exp(logits))) - logit of the label, so a probability too small for a float is no infinity.

    Args:
        logits: Floating-point array of shape (n, classes), n at least 1.
        labels: Integer array of shape (n,), each in 0 .. classes - 1.

    Returns:
        A number, 0 or more; NaN where a logit is NaN.

    Raises:
        DataError: The shapes do not match, there is no image, or a label has no logit.
    """
    return float(np.mean(losses(logits, labels)))


def losses(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Give the cross-entropy of each image; arguments and errors as for ``log_loss``, which is their mean.

    Returns:
        float64 array of shape (n,), in nats.
    """
    _check(logits, labels)
    shifted = _shifted(logits)
    true = shifted[np.arange(len(labels)), labels]
    each: NDArray[np.float64] = np.log(np.exp(shifted).sum(axis=1)) - true
    return each


def ranks(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Say how many classes each image's label comes after, by falling logit; of equal logits the first comes first.

    Args:
        logits: Floating-point array of shape (n, classes), n at least 1.
        labels: Integer array of shape (n,), each in 0 .. classes - 1.

    Returns:
        int64 array of shape (n,); 0 where the image is classified right.

    Raises:
        DataError: The shapes do not match, there is no image, or a label has no logit.
    """
    _check(logits, labels)
    true = logits[np.arange(len(labels)), labels][:, np.newaxis]
    earlier = np.arange(logits.shape[1]) < labels[:, np.newaxis]
    before: NDArray[np.int64] = ((logits > true) | ((logits == true) & earlier)).sum(axis=1)
    return before


def _shifted(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    wide = logits.astype(np.float64)
    shifted: NDArray[np.float64] = wide - wide.max(axis=1, keepdims=True)
    return shifted


def _check(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> None:
    if logits.ndim != 2 or labels.shape != logits.shape[:1] or logits.size == 0:
        raise DataError(
            f"Cannot score logits of shape {logits.shape} against labels of shape {labels.shape}, expected"
            " (n, classes) and (n,) with at least one image. Give one row of logits and one label an image."
        )
    classes = logits.shape[1]
    if labels.min() < 0 or labels.max() >= classes:
        place = int(np.flatnonzero((labels < 0) | (labels >= classes))[0])
        raise DataError(
            f"Label {labels[place]} at index {place} has no logit, expected 0 to {classes - 1}."
            " Score with the labels of the data set that the model was trained for."
        )
