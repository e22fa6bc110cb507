"""Comparison: the accuracy of each model, a verdict for every pair, and the images on which the models disagree.

All values are plain and can be written as JSON. Only the images themselves are in memory alone.
"""

from dataclasses import asdict, dataclass, field, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from optotype.metrics import Estimate

FORMAT: Final = 2
"""Version of comparison.json."""

On = Literal["validation", "test"]


@dataclass(frozen=True)
class CandidateResult:
    """The result of one model.

    Attributes:
        key: Its key in the verdicts: "A", "B" and so on.
        name: The unique name of its run or file.
        recipe: Name of its recipe.
        seed: Seed of its training.
        n: Number of images that it classified.
        accuracy: Share classified correctly (Wilson).
        trained_on: Fingerprint of its training images, labels and class names.
        added: Number of additional images among its training images.
    """

    key: str
    name: str
    recipe: str
    seed: int
    n: int
    accuracy: Estimate
    trained_on: str = ""
    added: int = 0


@dataclass(frozen=True)
class Pair:
    """Two models on the same images.

    Attributes:
        a: Key of the first model.
        b: Key of the second model.
        difference: Accuracy of the second minus accuracy of the first (Bonett and Price), not corrected for several
            pairs.
        only_a: Images that only the first model classifies correctly.
        only_b: Images that only the second model classifies correctly.
        both_wrong: Images that both classify incorrectly.
        p: p-value of McNemar's exact test.
        p_adjusted: p-value corrected for the number of pairs (Holm).
        images_needed: Images at which a difference of this size would be detected with a power of 80 %; None if it is
            significant, or zero.
        better: Key of the better model if ``p_adjusted`` is below 5 %; otherwise None.
        verdict: The result in words.
    """

    a: str
    b: str
    difference: Estimate
    only_a: int
    only_b: int
    both_wrong: int
    p: float
    p_adjusted: float
    images_needed: int | None
    better: str | None
    verdict: str


@dataclass(frozen=True)
class RecipePair:
    """Two recipes, at least one of them trained with several seeds.

    Attributes:
        a: Name of the first recipe.
        b: Name of the second recipe.
        keys_a: Keys of the first recipe's models, one per seed.
        keys_b: Keys of the second recipe's models, one per seed.
        mean_a: Mean accuracy of the first recipe.
        mean_b: Mean accuracy of the second recipe.
        difference: ``mean_b`` minus ``mean_a`` (Welch); None with fewer than five seeds of either.
        p_adjusted: p-value of Welch's test, corrected for the number of recipe pairs (Holm); None with fewer than five
            seeds of either.
        verdict: The result in words.
    """

    a: str
    b: str
    keys_a: tuple[str, ...]
    keys_b: tuple[str, ...]
    mean_a: float
    mean_b: float
    difference: Estimate | None
    p_adjusted: float | None
    verdict: str


@dataclass(frozen=True)
class Disagreement:
    """An image that the models do not all classify alike.

    Attributes:
        index: Its row among the training images (which include the validation images) or the test images.
        label: Name of its class.
        file: Its file name; None if the images have no files.
        predicted: The class that each candidate predicts, in the order of the candidates.
        probability: The probability of each predicted class, in 0 .. 1; calibrated if the model is.
    """

    index: int
    label: str
    file: str | None
    predicted: tuple[str, ...]
    probability: tuple[float, ...]


@dataclass(frozen=True)
class Comparison:
    """The result of a comparison.

    Attributes:
        data: Name of the data set that the models were trained on.
        on: The split that they are compared on.
        n: Number of images of that split.
        candidates: The models, in the order of the targets.
        pairs: Every pair of models.
        recipes: Every pair of recipes of which at least one has several seeds.
        notes: Sentences on what limits the verdicts.
        disagreements: The images that not all models classify alike, by increasing index.
        opening: Number of openings of this test set, this one included; None on validation.
        test_fingerprint: Fingerprint of the test set; empty on validation.
        images: uint8 of shape (m, height, width, channels), indexed by ``disagreements[...].index``; not written.
    """

    data: str
    on: On
    n: int
    candidates: tuple[CandidateResult, ...]
    pairs: tuple[Pair, ...]
    recipes: tuple[RecipePair, ...]
    notes: tuple[str, ...]
    disagreements: tuple[Disagreement, ...]
    opening: int | None = None
    test_fingerprint: str = ""
    images: NDArray[np.uint8] | None = field(default=None, repr=False, compare=False)

    @property
    def verdicts(self) -> tuple[str, ...]:
        """The verdicts about the models, then those about the recipes."""
        return (*(pair.verdict for pair in self.pairs), *(pair.verdict for pair in self.recipes))

    def disagreements_between(self, pair: Pair) -> list[tuple[Disagreement, int, int]]:
        """Return the images that two models classify differently, the most confident disagreements first.

        Args:
            pair: One of ``pairs``.

        Returns:
            Each disagreement with the indices of the two models among the candidates. They are sorted by the lower of
            the two probabilities, then by the higher one, in decreasing order.
        """
        keys = [candidate.key for candidate in self.candidates]
        a, b = keys.index(pair.a), keys.index(pair.b)
        between = [each for each in self.disagreements if each.predicted[a] != each.predicted[b]]
        between.sort(key=lambda each: sorted((each.probability[a], each.probability[b])), reverse=True)
        return [(each, a, b) for each in between]

    def to_json(self) -> dict[str, JsonValue]:
        """Return the comparison as JSON values, without the images."""
        values = asdict(replace(self, images=None))
        del values["images"]
        return {"format": FORMAT, **values}

    def __str__(self) -> str:
        return "\n".join(self.verdicts)
