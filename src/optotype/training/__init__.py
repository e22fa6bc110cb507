"""Recipe and data in, run out: a visible loop of epochs, and around it what makes a run of it."""

from optotype.training.loop import Progress, epochs
from optotype.training.train import train

__all__ = ["Progress", "epochs", "train"]
