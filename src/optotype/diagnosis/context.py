"""DiagnosisContext: a finished run and its judgement, with the quantities that several checks use.

Everything comes from the run folder and the judgement's evidence, never from the state of a training: the diagnoses are
the same right after training and years later.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from optotype.errors import DataError
from optotype.models.calibration import Calibration
from optotype.models.model import Model
from optotype.recipes.recipe import Recipe
from optotype.runs.epoch import Epoch
from optotype.runs.run import Run

if TYPE_CHECKING:
    from optotype.judging.judgement import Evidence, Judgement, Score

MAX_SAMPLE: Final = 2000
"""Number of training images in the sample on which networks are measured."""

MIN_SKILL: Final = 0.1
"""Least skill that counts as having learned: accuracy above chance, divided by 1 - chance."""


@dataclass(frozen=True, eq=False)
class DiagnosisContext:
    """A run to be diagnosed.

    Attributes:
        run: A finished run.
        judgement: Its judgement, with evidence of the training images.
        short_training_losses: The losses of short trainings that were already run, by their initial weights and the
            factor of their learning rate.
    """

    run: Run
    judgement: "Judgement"
    short_training_losses: dict[tuple[str, float], float] = field(default_factory=dict)

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe of the run."""
        return self.run.recipe

    @cached_property
    def epochs(self) -> tuple[Epoch, ...]:
        """The epochs up to the one whose weights the model has; at least one."""
        return self.run.epochs[: self.run.model.provenance.epoch]

    @property
    def model(self) -> Model:
        """The judged model."""
        return self.run.model

    @property
    def evidence(self) -> "Evidence":
        """The images and predictions of the judgement."""
        if self.judgement.evidence is None:
            raise DataError("The judgement has no evidence, which a diagnosis needs. Judge the run again.")
        return self.judgement.evidence

    @property
    def train(self) -> "Score":
        """The score on the training images."""
        score = self.judgement.splits["train"]
        if score is None:
            raise DataError("The judgement has no score on training images. Judge the run again.")
        return score

    @property
    def test(self) -> "Score":
        """The score that the verdict is about."""
        return self.judgement.score

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """The classes of the training images, int64 of shape (n,)."""
        return self.evidence.predictions["train"].labels

    @cached_property
    def class_counts(self) -> NDArray[np.int64]:
        """The number of training images of each class, int64 of shape (classes,)."""
        return np.bincount(self.labels, minlength=len(self.model.class_names))

    @cached_property
    def chance(self) -> float:
        """The accuracy on the training images of always predicting the most frequent class."""
        return float(self.class_counts.max() / self.class_counts.sum())

    @cached_property
    def chance_loss(self) -> float:
        """The loss on the training images of always predicting the class frequencies, in nats."""
        shares = self.class_counts[self.class_counts > 0] / self.class_counts.sum()
        return float(-(shares * np.log(shares)).sum())

    def is_above_chance(self, accuracy: float) -> bool:
        """Return whether an accuracy on training images is clearly above predicting the most frequent class."""
        return accuracy - self.chance >= MIN_SKILL * (1 - self.chance)

    @cached_property
    def train_error(self) -> float:
        """The share of the training images that the model classifies incorrectly."""
        return 1 - self.train.accuracy.value

    @cached_property
    def generalization_gap(self) -> float:
        """The accuracy on the training images minus the accuracy on the judged images."""
        return self.train.accuracy.value - self.test.accuracy.value

    @cached_property
    def sample(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Up to MAX_SAMPLE training images and their labels, evenly spaced among the training images."""
        predictions = self.evidence.predictions["train"]
        n = len(predictions.labels)
        rows = np.arange(min(n, MAX_SAMPLE)) * n // min(n, MAX_SAMPLE)
        return self.evidence.images["train"][predictions.indices[rows]], predictions.labels[rows]

    def probabilities(self, split: str) -> NDArray[np.float64]:
        """Return calibrated probabilities, float64 of shape (n, classes), of a split of at least 50 images.

        A model that was trained without validation has no calibration; one is then fitted to the split itself.
        """
        predictions = self.evidence.predictions[split]
        calibration = self.model.calibration or Calibration.fit(predictions.logits, predictions.labels)
        return calibration.probabilities(predictions.logits)
