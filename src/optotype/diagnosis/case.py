"""A case: a finished run and its judgement, with the numbers that several checks ask for.

All of it comes from the run folder and the judgement's evidence, never from the state of a trainer: a run is diagnosed
alike right after its training and years later.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.errors import DataError
from optotype.judging.judgement import Evidence, Judgement, Score
from optotype.models.calibration import Calibration
from optotype.models.model import Model
from optotype.recipes.recipe import Recipe
from optotype.runs.epoch import Epoch
from optotype.runs.run import Run

SAMPLE: Final = 2000
"""Training images that a network is looked at with."""

LEARNT: Final = 0.1
"""Of the way from guessing to being always right, the share that counts as having learnt something."""


@dataclass(frozen=True, eq=False)
class Case:
    """A run to be diagnosed.

    Attributes:
        run: A finished run.
        judgement: Its judgement, with evidence of the training images.
        trials: What short trainings came to: the loss, by where they begin and what the rate was multiplied by.
    """

    run: Run
    judgement: Judgement
    trials: dict[tuple[str, float], float] = field(default_factory=dict)

    @cached_property
    def recipe(self) -> Recipe:
        """How the run trained."""
        return self.run.recipe

    @cached_property
    def epochs(self) -> tuple[Epoch, ...]:
        """The epochs up to the one whose weights the model has; at least one."""
        return self.run.epochs[: self.run.model.provenance.epoch]

    @property
    def model(self) -> Model:
        """What was judged."""
        return self.run.model

    @property
    def evidence(self) -> Evidence:
        """What the judgement was made from."""
        if self.judgement.evidence is None:
            raise DataError("A judgement without evidence cannot be diagnosed. Judge the run again.")
        return self.judgement.evidence

    @property
    def train(self) -> Score:
        """The score on the training images."""
        score = self.judgement.splits["train"]
        if score is None:
            raise DataError("A judgement has no score on training images. Judge the run again.")
        return score

    @property
    def test(self) -> Score:
        """The score that the verdict is about."""
        return self.judgement.score

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """The classes of the training images, int64 of shape (n,)."""
        return self.evidence.predictions["train"].labels

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Training images of each class, int64 of shape (classes,)."""
        return np.bincount(self.labels, minlength=len(self.model.class_names))

    @cached_property
    def chance(self) -> float:
        """Accuracy on the training images of always naming the most frequent class."""
        return float(self.counts.max() / self.counts.sum())

    @cached_property
    def chance_loss(self) -> float:
        """Loss on the training images of always answering with the frequencies of the classes, in nats."""
        shares = self.counts[self.counts > 0] / self.counts.sum()
        return float(-(shares * np.log(shares)).sum())

    def learnt(self, accuracy: float) -> bool:
        """Say whether an accuracy on training images is clearly more than naming the most frequent class."""
        return accuracy - self.chance >= LEARNT * (1 - self.chance)

    @cached_property
    def train_error(self) -> float:
        """Share of the training images that the model gets wrong."""
        return 1 - self.train.accuracy.value

    @cached_property
    def gap(self) -> float:
        """How much larger that share is among the judged images."""
        return self.train.accuracy.value - self.test.accuracy.value

    @cached_property
    def sample(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Up to SAMPLE training images and their labels, from all over the training images."""
        said = self.evidence.predictions["train"]
        n = len(said.labels)
        places = np.arange(min(n, SAMPLE)) * n // min(n, SAMPLE)
        return self.evidence.images["train"][said.indices[places]], said.labels[places]

    def probabilities(self, split: str) -> NDArray[np.float64]:
        """Give calibrated probabilities, float64 of shape (n, classes), of a split of at least 50 images.

        A model that was trained without validation has no calibration; one is then fitted to the split itself.
        """
        said = self.evidence.predictions[split]
        return (self.model.calibration or Calibration.fit(said.logits, said.labels)).probabilities(
            said.logits
        )
