"""Metrics: scores of logits and labels, and confidence intervals of the scores. All functions are pure.

Modules:
    bootstrap: Bootstrap intervals: the distribution of a score over images that are drawn again with replacement.
    calibration: Calibration error: the difference between the probabilities of predicted classes and the accuracy.
    classification: Scores of a classifier, computed in float64 from its logits (the outputs before softmax) and the
        true labels.
    confusion: Scores of a confusion matrix: precision, recall, F1, balanced accuracy and Cohen's kappa, with
        intervals.
    formatting: Text forms of estimates.
    intervals: Confidence intervals of proportions, and of the difference of two independent proportions.
    label_errors: Label errors: labels that are likely wrong according to networks that were not trained on the
        images.
    paired: Paired comparison: two classifiers on the same images, their difference, and the number of images that
        shows it.
    welch: Welch's test: the difference of two samples' means, with an interval that allows different variances.
"""

from optotype.metrics.classification import accuracy, log_loss, log_loss_per_image, ranks, softmax
from optotype.metrics.intervals import Estimate, proportion, wilson_interval

__all__ = [
    "Estimate",
    "accuracy",
    "log_loss",
    "log_loss_per_image",
    "proportion",
    "ranks",
    "softmax",
    "wilson_interval",
]
