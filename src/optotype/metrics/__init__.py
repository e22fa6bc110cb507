"""Metrics: scores of logits and labels, and confidence intervals of the scores. All functions are pure."""

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
