"""`augment = "auto"`: which changes the data tolerates, measured with a quick net before the training begins.

The measure is affinity (Gontijo-Lopes et al., 2020, arXiv:2002.08973): a net that was trained on images as they are
sees held-out images changed. If it is wrong about many that it knew, the change makes images that the data do not have:
a flipped 2 is none, a flipped horse is a horse. Only the changes of geometry are candidates: in trials on MNIST and
CIFAR-10 they helped, and colour and cutout added nothing to them (LOG.md).

Accuracy is averaged over the classes, so that a small class counts as much as a large one. A net that knows little has
little to lose: what a change may cost is a share of the net's accuracy, and a net near chance is not asked.

Only training images are used, for learning and for measuring: what the recipe keeps for validation judges the result.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from optotype.data.dataset import Dataset
from optotype.data.splits import carve
from optotype.engine.augmentation import Augment, augment_images
from optotype.engine.layers import Conv2D, Dense, Flatten, Layer, MaxPooling2D
from optotype.engine.network import Network
from optotype.engine.optimizers import Adam
from optotype.engine.randomness import permutation
from optotype.recipes.recipe import Recipe

# Sets these hashes apart from every other (seed, ...): the word "auto" in ASCII.
_AUTO: Final = 0x6175746F
_LEAST: Final = 500  # images: with fewer, too few are held out to tell a change that is tolerated from chance
_MOST: Final = 10_000
_HELD: Final = 0.2  # of them
_DRAWS: Final = 4  # changes of each image that is held out
_STEPS: Final = 1000  # of the quick net's training
_BATCH: Final = 64
_RATE: Final = 0.001
_SMALL: Final = 8  # pixels: a side that is pooled no more
LIMIT: Final = 0.06
"""A change is tolerated if, with 95 % confidence, it costs less than this share of the net's accuracy."""
KNOWS: Final = 0.2
"""The net is asked only if, with 95 % confidence, it went at least this share of the way from chance to always right.

So a change that leaves nothing but chance costs more than LIMIT: at least 16 % of the accuracy, of two classes; a flip,
which half of the images meet, half of that.
"""

_SHIFTS: Final = (1 / 8, 1 / 12, 1 / 16, 1 / 24)  # of the shorter side
_LADDERS: Final[dict[str, tuple[float, ...]]] = {
    "rotation": (30.0, 20.0, 15.0, 10.0, 5.0),
    "scale": (0.3, 0.2, 0.1),
}


@dataclass(frozen=True)
class Trial:
    """One change, measured.

    Attributes:
        change: In words.
        drop: How much accuracy it costs, averaged over the classes.
        margin: Half the width of the 95 % interval of that.
        limit: How much it may cost.
    """

    change: str
    drop: float
    margin: float
    limit: float

    @property
    def tolerated(self) -> bool:
        """Whether the change leaves the images what they are."""
        return self.drop + self.margin < self.limit

    def __str__(self) -> str:
        """Say what was found."""
        verdict = "tolerated" if self.tolerated else "refused"
        return f"{self.change}: {verdict}, it costs {100 * self.drop:.1f} +- {100 * self.margin:.1f} points of accuracy"


def settle(
    recipe: Recipe, data: Dataset, train: NDArray[np.int64], threads: int | None
) -> tuple[Recipe, dict[str, JsonValue] | None]:
    """Put in the place of `augment = "auto"` what is measured to be tolerated: the strongest of each kind of change.

    Args:
        recipe: Any recipe; one that is not "auto" is given back as it is.
        data: Images and labels.
        train: Indices of the images that train.
        threads: As for Network; they do not change the result.

    Returns:
        The recipe with what was chosen, and what was measured, for the run; None where nothing was to be chosen.
    """
    if recipe.augment != "auto":
        return recipe, None
    part = train[permutation(len(train), recipe.seed, _AUTO)[:_MOST]]
    if len(part) < _LEAST:
        why = f"{len(part)} training images are too few to choose by, expected at least {_LEAST}: nothing is changed"
        return recipe.model_copy(update={"augment": None}), {"chosen": None, "why": [why]}
    quick = QuickNet(data.images[np.sort(part)], data.labels[np.sort(part)], recipe, threads)
    chosen, reasons = _climb(quick, _start(quick.held)) if quick.knows else (None, [_ignorance(quick)])
    record: dict[str, JsonValue] = {
        "chosen": str(chosen) if chosen else None,
        "why": list(reasons),
        "quick_net": {
            "trained_on": quick.trained_on,
            "held_out": len(quick.held),
            "accuracy": quick.accuracy,
        },
    }
    return recipe.model_copy(update={"augment": chosen}), record


def _ignorance(quick: "QuickNet") -> str:
    return (
        f"the quick net is right about {100 * quick.accuracy:.1f} +- {100 * quick.margin:.1f} % of the images it has"
        f" not seen, averaged over the classes, and chance about {100 * quick.chance:.1f} %: too little to choose by,"
        " nothing is changed"
    )


class QuickNet:
    """A small net, trained on four fifths of some images as they are.

    Args:
        images: uint8 of shape (n, height, width, channels).
        labels: Their classes.
        recipe: Its seeds count.
        threads: As for Network.

    Attributes:
        held: The images that it has not seen.
        trained_on: How many images it has seen.
        chance: What one who knows nothing has for an accuracy, averaged over the classes.
        accuracy: What it has on the images it has not seen, averaged over the classes.
        margin: Half the width of the 95 % interval of that.
    """

    def __init__(
        self, images: NDArray[np.uint8], labels: NDArray[np.int64], recipe: Recipe, threads: int | None
    ) -> None:
        split = carve(labels, _HELD, recipe.split_seed)
        self._seed = recipe.seed
        self._network = _trained(images, labels, split.train, recipe.seed, threads)
        self._labels = labels[split.validation]
        self.trained_on = len(split.train)
        self.held = images[split.validation]
        sizes = np.bincount(self._labels)
        self.chance = 1 / len(np.unique(self._labels))
        self._weights = self.chance / sizes[self._labels]
        self._right = (self._network.logits(self.held).argmax(axis=1) == self._labels).astype(np.float64)
        self.accuracy, self.margin = self._averaged(self._right)

    @property
    def knows(self) -> bool:
        """Whether it tells the classes apart well enough to be asked."""
        return self.accuracy - self.margin >= self.chance + KNOWS * (1 - self.chance)

    def try_out(self, augment: Augment, change: str) -> Trial:
        """Measure what a change costs on the images that were held out, each changed several times."""
        n = len(self.held)
        still = np.zeros(n)
        for draw in range(_DRAWS):
            seen = augment_images(self.held, augment, np.arange(n), key=(self._seed, draw))
            still += self._network.logits(seen).argmax(axis=1) == self._labels
        drop, margin = self._averaged(self._right - still / _DRAWS)
        return Trial(change, drop, margin, LIMIT * self.accuracy)

    def _averaged(self, values: NDArray[np.float64]) -> tuple[float, float]:
        """Average over each class, then over the classes; and half the width of the 95 % interval of that."""
        mean = float(self._weights @ values)
        # About the mean of all: about its own, the few images of a small class would seem surer than they are.
        return mean, 1.96 * float(np.linalg.norm(self._weights * (values - mean)))


def _trained(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    train: NDArray[np.int64],
    seed: int,
    threads: int | None,
) -> Network:
    height, width, channels = images.shape[1:]
    # In fp32, so that processors with and without AMX choose alike.
    network = Network(
        (*_layers(min(height, width)), Dense(int(labels.max()) + 1, "softmax")),
        (height, width, channels),
        threads=threads,
    )
    network.initialize(seed)
    network.compile(Adam(), _BATCH)
    steps = math.ceil(len(train) / _BATCH)
    rates = np.full(steps, _RATE, np.float32)
    for epoch in range(math.ceil(_STEPS / steps)):
        order = train[permutation(len(train), seed, _AUTO, epoch)]
        network.train_epoch(images, labels, order, learning_rates=rates, key=(seed, epoch))
    return network


def _layers(side: int) -> Iterator[Layer]:
    """Give convolutions and pooling until the image is small, then a dense layer."""
    filters = 16
    while side > _SMALL:
        yield from (Conv2D(filters, 3, "relu", padding="same"), MaxPooling2D(2))
        filters, side = 32, side // 2
    yield from (Flatten(), Dense(64, "relu"))


def _start(images: NDArray[np.uint8]) -> Augment:
    """Pad with black where half of the outermost pixels are black, else with what the image goes on with."""
    edges = (images[:, [0, -1]].ravel(), images[:, :, [0, -1]].ravel())
    return Augment(padding="zero" if np.mean(np.concatenate(edges) == 0) >= 0.5 else "reflect")


def _climb(quick: QuickNet, start: Augment) -> tuple[Augment | None, list[str]]:
    """Take of each kind the strongest change that is tolerated on its own, and say why."""
    side = min(quick.held.shape[1:3])
    shifts = sorted({round(share * side) for share in _SHIFTS} - {0}, reverse=True)
    ladders: dict[str, tuple[Any, ...]] = {"flip": (True,), "shift": tuple(shifts), **_LADDERS}
    chosen: dict[str, Any] = {}
    trials = []
    for name, ladder in ladders.items():
        for value in ladder:
            trials.append(quick.try_out(replace(start, **{name: value}), str(Augment(**{name: value}))))
            if trials[-1].tolerated:
                chosen[name] = value
                break
    limit = LIMIT * quick.accuracy
    why = [
        *map(str, trials),
        f"{100 * limit:.1f} points are tolerated, {100 * LIMIT:g} % of the quick net's accuracy",
    ]
    return replace(start, **chosen) if chosen else None, why
