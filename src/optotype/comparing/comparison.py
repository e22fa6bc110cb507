"""What a comparison is made of: how good each model is, which of two is better, and the images on which they differ.

Everything here is plain values, so that it can be written as JSON; only the images themselves are in memory alone.
"""

from dataclasses import asdict, dataclass, field, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from optotype.metrics import Estimate

FORMAT: Final = 1
"""Version of comparison.json."""

On = Literal["validation", "test"]


@dataclass(frozen=True)
class CandidateResult:
    """A model that is compared.

    Attributes:
        key: What verdicts call it: "A", "B" and so on.
        name: Of its run or file; no two have the same.
        recipe: Name of its recipe.
        seed: Of its training.
        n: Images that it was shown.
        accuracy: Share classified right (Wilson).
        trained_on: Fingerprint of its training images, labels and class names.
        added: How many of those images were added to the data set's own.
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
        a: Key of the first.
        b: Key of the second.
        difference: Accuracy of the second minus that of the first (Bonett and Price), not corrected for several pairs.
        only_a: Images that only the first classifies right.
        only_b: Images that only the second classifies right.
        both_wrong: Images that both classify wrong.
        p: Of McNemar's exact test.
        p_adjusted: Corrected for the number of pairs (Holm).
        needed: Images at which a difference as large as this one would be seen with a power of 80 %; None where it is
            seen, or where there is none.
        better: Key of the better one, where ``p_adjusted`` is below 5 %; else None.
        verdict: In words.
    """

    a: str
    b: str
    difference: Estimate
    only_a: int
    only_b: int
    both_wrong: int
    p: float
    p_adjusted: float
    needed: int | None
    better: str | None
    verdict: str


@dataclass(frozen=True)
class RecipePair:
    """Two recipes, each trained with several seeds.

    Attributes:
        a: Name of the first.
        b: Name of the second.
        keys_a: Models of the first, one a seed.
        keys_b: Models of the second, one a seed.
        mean_a: Mean accuracy of the first.
        mean_b: Mean accuracy of the second.
        difference: ``mean_b`` minus ``mean_a`` (Welch); None with fewer than five seeds of either.
        p_adjusted: Of Welch's test, corrected for the number of such pairs (Holm); None likewise.
        verdict: In words.
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
    """An image that not all models take for the same.

    Attributes:
        index: Its place in what it was taken from: the training images (validation ones are among them) or the test.
        label: Its class.
        file: Its name; None where images have no files.
        predicted: What each model takes it for, in the order of the contestants.
        probability: What each gives to that class, in 0 .. 1; calibrated where the model is.
    """

    index: int
    label: str
    file: str | None
    predicted: tuple[str, ...]
    probability: tuple[float, ...]


@dataclass(frozen=True)
class Comparison:
    """What a comparison came to.

    Attributes:
        data: What the models were trained on.
        on: The split that they are compared on.
        n: Its images.
        contestants: The models, in the order in which they were given.
        pairs: Each two of them.
        recipes: Each two recipes, where one was given with several seeds.
        notes: What a careful reader must know beside that, in sentences.
        disagreements: The images that not all take for the same, by rising index.
        opening: How many times this test set was opened, this time included; None on validation.
        test_fingerprint: Which test set that is; empty on validation.
        images: uint8 of shape (m, height, width, channels), into which ``disagreements[...].index`` points; not kept.
    """

    data: str
    on: On
    n: int
    contestants: tuple[CandidateResult, ...]
    pairs: tuple[Pair, ...]
    recipes: tuple[RecipePair, ...]
    notes: tuple[str, ...]
    disagreements: tuple[Disagreement, ...]
    opening: int | None = None
    test_fingerprint: str = ""
    images: NDArray[np.uint8] | None = field(default=None, repr=False, compare=False)

    @property
    def verdicts(self) -> tuple[str, ...]:
        """What was found, in words: about the models, then about the recipes."""
        return (*(each.verdict for each in self.pairs), *(each.verdict for each in self.recipes))

    def differing(self, pair: Pair) -> list[tuple[Disagreement, int, int]]:
        """List the images that two models take for different things, the most confident disagreements first.

        Args:
            pair: One of ``pairs``.

        Returns:
            Each with the places of the two among the contestants. First come those of which the less confident of the
            two is most confident; where it is equally so, the other decides.
        """
        keys = [each.key for each in self.contestants]
        a, b = keys.index(pair.a), keys.index(pair.b)
        found = [each for each in self.disagreements if each.predicted[a] != each.predicted[b]]
        found.sort(key=lambda each: sorted((each.probability[a], each.probability[b])), reverse=True)
        return [(each, a, b) for each in found]

    def to_json(self) -> dict[str, JsonValue]:
        """Give the comparison as JSON values, without the images."""
        values = asdict(replace(self, images=None))
        del values["images"]
        return {"format": FORMAT, **values}

    def __str__(self) -> str:
        return "\n".join(self.verdicts)
