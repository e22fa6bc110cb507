"""Pure functions of logits and labels: scores, and intervals that say how far a score can be trusted."""

from optotype.metrics.classification import accuracy, log_loss, losses, ranks, softmax
from optotype.metrics.intervals import Estimate, proportion, wilson_interval

__all__ = ["Estimate", "accuracy", "log_loss", "losses", "proportion", "ranks", "softmax", "wilson_interval"]
