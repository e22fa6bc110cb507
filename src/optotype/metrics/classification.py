"""Scores of a classifier, computed in float64 from its logits (the outputs before softmax) and the true labels."""

import numpy as np
from numpy.typing import NDArray

from optotype.errors import DataError


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Convert logits to probabilities, without overflow for any finite logits.

    Args:
        logits: Finite floating-point array of shape (n, classes).

    Returns:
        float64 array of the same shape; each row is at least 0 and adds up to 1.
    """
    powers = np.exp(_shift_to_maximum(logits))
    probabilities: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return probabilities


def accuracy(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Compute the share of images whose largest logit is that of their label; of equal logits the first counts.

    Args:
        logits: Floating-point array of shape (n, classes), n at least 1.
        labels: Integer array of shape (n,), each in 0 .. classes - 1.

    Returns:
        A number in [0, 1].

    Raises:
        DataError: If the shapes do not match, there is no image, or a label has no logit.
    """
    _check_shapes_and_labels(logits, labels)
    return float(np.mean(np.argmax(logits, axis=1) == labels))


def log_loss(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Compute the mean log loss (cross-entropy): -log of the probability of the true class, in nats.

    Computed as log(sum(exp(logits))) - logit of the label, so that a probability below the smallest float does not
    become infinity.

    Args:
        logits: Floating-point array of shape (n, classes), n at least 1.
        labels: Integer array of shape (n,), each in 0 .. classes - 1.

    Returns:
        A number, 0 or more; NaN if a logit is NaN.

    Raises:
        DataError: If the shapes do not match, there is no image, or a label has no logit.
    """
    return float(np.mean(log_loss_per_image(logits, labels)))


def log_loss_per_image(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Compute the log loss of each image; arguments and errors as for ``log_loss``, which is their mean.

    Returns:
        float64 array of shape (n,), in nats.
    """
    _check_shapes_and_labels(logits, labels)
    shifted = _shift_to_maximum(logits)
    true_logits = shifted[np.arange(len(labels)), labels]
    losses: NDArray[np.float64] = np.log(np.exp(shifted).sum(axis=1)) - true_logits
    return losses


def ranks(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Compute the rank of each image's label by descending logit; of equal logits the first class comes first.

    Args:
        logits: Floating-point array of shape (n, classes), n at least 1.
        labels: Integer array of shape (n,), each in 0 .. classes - 1.

    Returns:
        int64 array of shape (n,): the number of classes before the label; 0 if the image is classified correctly.

    Raises:
        DataError: If the shapes do not match, there is no image, or a label has no logit.
    """
    _check_shapes_and_labels(logits, labels)
    true_logits = logits[np.arange(len(labels)), labels][:, np.newaxis]
    is_earlier_class = np.arange(logits.shape[1]) < labels[:, np.newaxis]
    is_before = (logits > true_logits) | ((logits == true_logits) & is_earlier_class)
    counts: NDArray[np.int64] = is_before.sum(axis=1)
    return counts


def _shift_to_maximum(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Subtract each row's maximum, which changes no probability and avoids overflow."""
    logits64 = logits.astype(np.float64)
    shifted: NDArray[np.float64] = logits64 - logits64.max(axis=1, keepdims=True)
    return shifted


def _check_shapes_and_labels(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> None:
    if logits.ndim != 2 or labels.shape != logits.shape[:1] or logits.size == 0:
        raise DataError(
            f"The logits have shape {logits.shape} and the labels {labels.shape}, expected (n, classes) and (n,) with"
            " at least one image. Pass one row of logits and one label per image."
        )
    classes = logits.shape[1]
    if labels.min() < 0 or labels.max() >= classes:
        index = int(np.flatnonzero((labels < 0) | (labels >= classes))[0])
        raise DataError(
            f"Label {labels[index]} at index {index} has no logit, expected 0 to {classes - 1}."
            " Use the labels of the data set that the model was trained on."
        )
