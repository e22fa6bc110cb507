"""`augment = "auto"`: chooses the augmentation that the data tolerate, measured with a probe network before training.

The measure is affinity (Gontijo-Lopes et al., 2020, arXiv:2002.08973): a network that was trained on unchanged images
classifies held-out images after a change. If its accuracy drops, the change makes images that do not occur in the data.
A flipped 2 is not a digit; a flipped horse is a horse. Only geometric changes are candidates: in trials on MNIST and
CIFAR-10 they helped, and colour changes and cutout added nothing to them (LOG.md).

Accuracy is averaged over the classes, so that a small class counts as much as a large one. A network with a low
accuracy has little to lose: the accepted drop is therefore a share of its accuracy, and a network near chance chooses
nothing.

Only training images are used, for training and for measuring. The validation images remain for judging the result.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from optotype.data.splits import stratified_split
from optotype.engine.augmentation import Augment, augment_images
from optotype.engine.layers import Conv2D, Dense, Flatten, Layer, MaxPooling2D
from optotype.engine.network import Images
from optotype.engine.optimizers import Adam
from optotype.randomness import permutation, purpose
from optotype.recipes.recipe import Recipe
from optotype.training.plan import Indices, TrainingPlan
from optotype.training.probe_net import ProbeNetwork

# Separates these hashes from every other use of the seed.
_AUTO: Final = purpose("auto")
# With fewer images, too few are held out to distinguish a tolerated change from chance.
_MIN_IMAGES: Final = 500
_MAX_IMAGES: Final = 10_000
_HELD_OUT_SHARE: Final = 0.2
_DRAWS: Final = 4  # random changes per held-out image
_STEPS: Final = 1000  # of the probe network's training
_BATCH_SIZE: Final = 64
_MAX_UNPOOLED_SIDE: Final = 8  # pixels
MAX_DROP_SHARE: Final = 0.06
"""A change is tolerated if, with 95 % confidence, it costs less than this share of the probe network's accuracy."""
MIN_SKILL: Final = 0.2
"""Least skill (accuracy above chance, divided by 1 - chance) of a probe network that may choose, with 95 % confidence.

With it, a change that leaves nothing but chance costs more than MAX_DROP_SHARE: at least 16 % of the accuracy with two
classes, and half of that for a flip, which changes half of the images.
"""

_SHIFTS: Final = (1 / 8, 1 / 12, 1 / 16, 1 / 24)  # of the shorter side
_STRENGTHS: Final[dict[str, tuple[float, ...]]] = {
    "rotation": (30.0, 20.0, 15.0, 10.0, 5.0),
    "scale": (0.3, 0.2, 0.1),
}


@dataclass(frozen=True)
class ToleranceTest:
    """The accuracy that one change of the images costs.

    Attributes:
        setting: The change, for example "rotation 20.0".
        accuracy_drop: The drop in accuracy, averaged over the classes, in 0 .. 1.
        margin: Half the width of its 95 % interval.
        max_drop: The largest drop that is tolerated.
    """

    setting: str
    accuracy_drop: float
    margin: float
    max_drop: float

    @property
    def is_tolerated(self) -> bool:
        """Whether the data tolerate the change."""
        return self.accuracy_drop + self.margin < self.max_drop

    def __str__(self) -> str:
        result = "tolerated" if self.is_tolerated else "rejected"
        drop, margin = 100 * self.accuracy_drop, 100 * self.margin
        return f"{self.setting}: {result}, costs {drop:.1f} +- {margin:.1f} points of accuracy"


def resolve_augment(plan: TrainingPlan) -> TrainingPlan:
    """Replace `augment = "auto"` by the strongest tolerated change of each kind.

    Args:
        plan: The plan of a training. If its augment is not "auto", it is returned as it is.

    Returns:
        The plan with the chosen augmentation in its recipe and the measurements in augment_choice. Threads do not
        change the choice.
    """
    if plan.recipe.augment != "auto":
        return plan
    train = plan.split.train
    rows = np.sort(train[permutation(len(train), plan.recipe.seed, _AUTO)[:_MAX_IMAGES]])
    if len(rows) < _MIN_IMAGES:
        reason = (
            f"{len(rows)} training images are too few to choose an augmentation, expected at least {_MIN_IMAGES}."
            " Images are not changed."
        )
        return _with_choice(plan, None, [reason])
    probe = AugmentProbe(plan, rows)
    if probe.is_reliable:
        augment, reasons = _strongest_tolerated(probe)
    else:
        augment, reasons = None, [_too_weak_reason(probe)]
    measurements: dict[str, JsonValue] = {
        "trained_on": probe.trained_on,
        "held_out": len(probe.images),
        "accuracy": probe.accuracy,
    }
    return _with_choice(plan, augment, reasons, {"probe_network": measurements})


class AugmentProbe:
    """A probe network with held-out images, on which it measures what a change of the images costs.

    Args:
        plan: The plan of the training; its data, seeds and threads are used.
        rows: Indices of training images; four fifths train the network, and the others are held out.

    Attributes:
        images: The held-out images, uint8 of shape (n, height, width, channels).
        trained_on: Number of images that the network was trained on.
        chance: The accuracy of guessing, averaged over the classes.
        accuracy: The network's accuracy on the held-out images, averaged over the classes.
        margin: Half the width of the 95 % interval of the accuracy.
    """

    def __init__(self, plan: TrainingPlan, rows: Indices) -> None:
        data, recipe = plan.data, plan.recipe
        split = stratified_split(data.labels[rows], _HELD_OUT_SHARE, recipe.split_seed)
        train, held_out = rows[split.train], rows[split.validation]
        self._seed = recipe.seed
        self._network = ProbeNetwork(
            data, train, probe_recipe(data.shape, len(train), recipe.seed), plan.threads
        )
        self._labels = data.labels[held_out]
        self.trained_on = len(train)
        self.images = data.images[held_out]
        class_sizes = np.bincount(self._labels)
        self.chance = 1 / len(np.unique(self._labels))
        self._weights = self.chance / class_sizes[self._labels]
        self._correct = self._correct_on(self.images)
        self.accuracy, self.margin = self._class_average(self._correct)

    @property
    def is_reliable(self) -> bool:
        """Whether the network is accurate enough to choose an augmentation."""
        return self.accuracy - self.margin >= self.chance + MIN_SKILL * (1 - self.chance)

    @property
    def max_drop(self) -> float:
        """The largest drop in accuracy that is tolerated."""
        return MAX_DROP_SHARE * self.accuracy

    def measure(self, augment: Augment, setting: str) -> ToleranceTest:
        """Measure what a change costs on the held-out images, each of which is changed several times."""
        n = len(self.images)
        still_correct = np.zeros(n)
        for draw in range(_DRAWS):
            still_correct += self._correct_on(
                augment_images(self.images, augment, np.arange(n), key=(self._seed, draw))
            )
        drop, margin = self._class_average(self._correct - still_correct / _DRAWS)
        return ToleranceTest(setting, drop, margin, self.max_drop)

    def _correct_on(self, images: Images) -> NDArray[np.float64]:
        """Return 1 for each image that is classified correctly and 0 for the others."""
        correct: NDArray[np.float64] = (self._network.predict(images) == self._labels).astype(np.float64)
        return correct

    def _class_average(self, values: NDArray[np.float64]) -> tuple[float, float]:
        """Average over each class, then over the classes; return it with half the width of its 95 % interval."""
        mean = float(self._weights @ values)
        # Deviations are from the overall mean. From the class means, a small class would seem more certain than it is.
        return mean, 1.96 * float(np.linalg.norm(self._weights * (values - mean)))


def probe_recipe(shape: tuple[int, int, int], images: int, seed: int) -> Recipe:
    """Return the recipe of the probe network: convolutions and pooling until the image is small, then dense layers.

    It has no batch normalization, unlike the probe of the data doctor. With that probe the choices were the same on
    MNIST and no better on CIFAR-10, where it took over twice the processor time.

    Args:
        shape: Height, width and channels of an image.
        images: Number of images to train on, at least 1.
        seed: Determines the initial weights and the order of the images.
    """
    layers: list[Layer] = []
    side, filters = min(shape[:2]), 16
    while side > _MAX_UNPOOLED_SIDE:
        layers += [Conv2D(filters, 3, "relu", padding="same"), MaxPooling2D(2)]
        side, filters = side // 2, 32
    layers += [Flatten(), Dense(64, "relu")]
    return Recipe(
        name="probe",
        layers=tuple(layers),
        optimizer=Adam(0.001),
        batch_size=_BATCH_SIZE,
        epochs=math.ceil(_STEPS / math.ceil(images / _BATCH_SIZE)),
        seed=seed,
    )


def _with_choice(
    plan: TrainingPlan,
    augment: Augment | None,
    reasons: Sequence[str],
    measurements: dict[str, JsonValue] | None = None,
) -> TrainingPlan:
    choice: dict[str, JsonValue] = {
        "chosen": str(augment) if augment else None,
        "why": list(reasons),
        **(measurements or {}),
    }
    recipe = plan.recipe.model_copy(update={"augment": augment})
    return replace(plan, recipe=recipe, augment_choice=choice)


def _too_weak_reason(probe: AugmentProbe) -> str:
    return (
        f"The probe network classifies {100 * probe.accuracy:.1f} +- {100 * probe.margin:.1f} % of held-out images"
        f" correctly, averaged over the classes; chance is {100 * probe.chance:.1f} %. That is too little to choose an"
        " augmentation. Images are not changed."
    )


def _choose_padding(images: NDArray[np.uint8]) -> Augment:
    """Pad with black if at least half of the outermost pixels are black, else with a reflection of the image."""
    edges = (images[:, [0, -1]].ravel(), images[:, :, [0, -1]].ravel())
    return Augment(padding="zero" if np.mean(np.concatenate(edges) == 0) >= 0.5 else "reflect")


def _strongest_tolerated(probe: AugmentProbe) -> tuple[Augment | None, list[str]]:
    """Choose the strongest tolerated change of each kind, each measured alone; return it with the measurements."""
    base = _choose_padding(probe.images)
    side = min(probe.images.shape[1:3])
    shifts = sorted({round(share * side) for share in _SHIFTS} - {0}, reverse=True)
    strengths: dict[str, tuple[Any, ...]] = {"flip": (True,), "shift": tuple(shifts), **_STRENGTHS}
    chosen: dict[str, Any] = {}
    tests: list[ToleranceTest] = []
    for kind, values in strengths.items():
        for value in values:
            tests.append(probe.measure(replace(base, **{kind: value}), str(Augment(**{kind: value}))))
            if tests[-1].is_tolerated:
                chosen[kind] = value
                break
    limit = (
        f"Up to {100 * probe.max_drop:.1f} points are tolerated, {100 * MAX_DROP_SHARE:g} % of the probe network's"
        " accuracy."
    )
    return replace(base, **chosen) if chosen else None, [*map(str, tests), limit]
