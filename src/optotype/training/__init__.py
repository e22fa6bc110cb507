"""Training: data and a recipe in, a run out."""

from optotype.training.loop import Progress, epochs
from optotype.training.plan import TrainingPlan, build_network, plan_training
from optotype.training.train import train

__all__ = ["Progress", "TrainingPlan", "build_network", "epochs", "plan_training", "train"]
