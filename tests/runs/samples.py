"""A small data set and runs on it, for tests of run folders."""

from pathlib import Path

import numpy as np

from optotype.data.dataset import Dataset, SealedTest
from optotype.data.splits import stratified_split
from optotype.recipes.recipe import Recipe
from optotype.runs.environment import describe_environment
from optotype.runs.epoch import Epoch
from optotype.runs.run import Run
from tests.models.samples import CLASSES, LAYERS, SHAPE

RECIPE = Recipe(name="small", layers=LAYERS, validation=6, split_seed=5, seed=3)


def small_data(source: str = "memory") -> Dataset:
    """Return a data set of 30 images of three classes."""
    labels = np.arange(30) % 3
    images = np.repeat(labels.astype(np.uint8), 12).reshape(30, *SHAPE)
    test = SealedTest(3, lambda: (images[:3], labels[:3]))
    return Dataset("tiny", images, labels, CLASSES, "none", source, test)


def small_run(path: Path, source: str = "memory") -> Run:
    """Create a run in a folder."""
    data = small_data(source)
    split = stratified_split(data.labels, RECIPE.validation, RECIPE.split_seed)
    return Run.create(path, RECIPE, data, split, describe_environment("portable", 2, "fp32"))


def epoch(number: int) -> Epoch:
    """Return the record of an epoch."""
    return Epoch(number, 1 / number, 0.1, None, 0.25, 1e-3, 0.5, 24)
