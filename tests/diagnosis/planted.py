"""Runs with a planted fault, and healthy ones, on a few thousand digits; each is trained on first use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.dataset import Dataset, SealedTest
from optotype.data.load import load
from optotype.data.sealed import open_test
from optotype.engine.layers import Dense, Flatten, Layer
from optotype.engine.optimizers import SGD, Adam
from optotype.judging.judgement import Baseline, Evidence, Judgement
from optotype.judging.scores import score
from optotype.metrics import proportion
from optotype.recipes.recipe import Recipe
from optotype.runs.predictions import predict_split
from optotype.runs.run import Run
from optotype.training.train import train

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


def digits(
    train: int = 4000,
    test: int = 1000,
    change: Callable[[Images, Labels], tuple[Images, Labels]] = lambda images, labels: (images, labels),
    leaked: int = 0,
) -> Dataset:
    """Create a data set from training images of MNIST, some of them as test images.

    Args:
        train: Number of training images.
        test: Number of test images.
        change: A function that changes images and labels.
        leaked: Number of test images that are also training images.
    """
    mnist = load("mnist")
    images, labels = change(mnist.images[: train + test].copy(), mnist.labels[: train + test].copy())
    test_rows = slice(train - leaked, train - leaked + test)
    test_split = images[test_rows], labels[test_rows]
    sealed = SealedTest(test, lambda: test_split)
    return replace(mnist, images=images[:train], labels=labels[:train], source="arrays", test=sealed)


@dataclass(frozen=True)
class Planted:
    """A training with a planted fault, and the diagnoses that it must get.

    Attributes:
        recipe: The recipe.
        kinds: The exact kinds of the diagnoses.
        data: Returns the data set.
        baselines: The baselines of the judgement.
    """

    recipe: Recipe
    kinds: tuple[str, ...]
    data: Callable[[], Dataset] = digits
    baselines: tuple[Baseline, ...] = ()


def mislabelled(images: Images, labels: Labels) -> tuple[Images, Labels]:
    """Change the label of every fourth image."""
    wrong = np.arange(0, len(labels), 4)
    labels[wrong] = (labels[wrong] + 1 + wrong // 4 % 9) % 10
    return images, labels


def shuffled(images: Images, labels: Labels) -> tuple[Images, Labels]:
    """Permute the labels randomly."""
    return images, np.random.default_rng(0).permutation(labels)


def unbalanced(images: Images, labels: Labels) -> tuple[Images, Labels]:
    """Replace fourteen of fifteen fives by other digits."""
    mnist = load("mnist")
    fives = np.flatnonzero(labels == 5)
    fives = fives[np.arange(len(fives)) % 15 > 0]
    others = len(labels) + np.flatnonzero(mnist.labels[len(labels) :] != 5)[: len(fives)]
    images[fives], labels[fives] = mnist.images[others], mnist.labels[others]
    return images, labels


def recipe(*layers: Layer, rate: float = 0.003, epochs: int = 6, **changes: object) -> Recipe:
    """Create a recipe of dense layers, with Adam by default; keyword arguments replace its settings."""
    dense = Recipe(
        layers=(Flatten(), *layers), optimizer=Adam(rate), batch_size=64, epochs=epochs, validation=1000
    )
    return dense.model_copy(update=changes)


_RELU: Final = Dense(64, "relu")
_SIGMOID: Final = tuple(Dense(units, "sigmoid") for units in (60, 40, 30, 20))

PLANTED: Final[Mapping[str, Planted]] = {
    "healthy": Planted(recipe(_RELU), (), lambda: digits(8000)),
    "healthy deep": Planted(recipe(Dense(100, "relu"), Dense(50, "tanh"), rate=0.001), ()),
    "rate far too high": Planted(
        recipe(_RELU, _RELU, rate=1.0), ("not_learning", "learning_rate_too_high", "dead_units")
    ),
    "rate far too low": Planted(recipe(_RELU, rate=1e-5), ("learning_rate_too_low",)),
    "rate near zero": Planted(recipe(_RELU, rate=1e-8), ("not_learning", "learning_rate_too_low")),
    "deep sigmoid": Planted(recipe(*_SIGMOID, optimizer=SGD(0.03)), ("not_learning", "vanishing_gradients")),
    "raw pixels": Planted(recipe(Dense(64, "sigmoid"), pixels="raw", rate=1e-3), ("saturated_units",)),
    "shuffled labels": Planted(recipe(_RELU, epochs=1), ("not_learning",), lambda: digits(change=shuffled)),
    "wrong labels": Planted(recipe(_RELU), ("label_noise",), lambda: digits(8000, change=mislabelled)),
    "memorized labels": Planted(
        recipe(Dense(256, "relu"), epochs=25),
        ("label_noise", "overfitting"),
        lambda: digits(change=mislabelled),
    ),
    "few training images": Planted(
        recipe(_RELU, validation=0, epochs=20), ("overfitting",), lambda: digits(train=200)
    ),
    "too small a net": Planted(recipe(Dense(2, "relu"), rate=0.01, epochs=10), ("underfitting",)),
    "a rare class": Planted(recipe(_RELU), ("imbalance",), lambda: digits(change=unbalanced)),
    "a leak": Planted(recipe(_RELU), ("leak",), lambda: digits(leaked=100)),
    "few test images": Planted(recipe(_RELU), ("too_few_images",), lambda: digits(test=50)),
    "a good baseline": Planted(
        recipe(_RELU),
        ("no_better_than_simpler",),
        lambda: digits(8000),
        baselines=(Baseline("k-nearest neighbours", 3000, proportion(950, 1000), 1000),),
    ),
}
"""Every training by the name of its fault."""


def judged(name: str, folder: Path) -> tuple[Run, Judgement]:
    """Train and judge a planted run in a folder, with its own baselines only."""
    planted = PLANTED[name]
    data = planted.data()
    run = train(data, planted.recipe, out=folder / name.replace(" ", "-"), threads=1)
    opened = open_test(data, folder)
    splits = {
        "train": (data.images, data.labels, run.split.train),
        "validation": (data.images, data.labels, run.split.validation),
        "test": (opened.images, opened.labels, np.arange(len(opened.labels))),
    }
    predictions = {
        split: predict_split(run.model, images, labels, rows)
        for split, (images, labels, rows) in splits.items()
        if len(rows)
    }
    return run, Judgement(
        target=run.name,
        data=data.name,
        on="test",
        splits={
            split: score(predictions[split], data.class_names) if split in predictions else None
            for split in splits
        },
        baselines=planted.baselines,
        evidence=Evidence(
            predictions, {split: splits[split][0] for split in predictions}, dict.fromkeys(predictions)
        ),
    )
