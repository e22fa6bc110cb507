import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import optotype as ot
from benchmarks.children import Side, take_turns
from benchmarks.settings import FP32_TRAINERS, augmented, ours
from optotype.engine.network import Network
from tests.benchmarks.samples import HERE

NET = (ot.Conv2D(4, 3, "relu"), ot.MaxPooling2D(2), ot.Dropout(0.1), ot.Flatten(), ot.Dense(8, "relu"))
RECIPE = ot.Recipe(layers=NET, optimizer=ot.Adam(0.01), batch_size=16, validation=0)


def job(folder: Path) -> dict[str, Any]:
    """Write a data set of a bright and a dark class, with initial weights, and return a job for it."""
    labels = np.arange(200) % 2
    images = (
        np.random.default_rng(0).integers(0, 90, (200, 8, 8, 1), np.uint8) + 150 * labels[:, None, None, None]
    )
    np.savez(folder / "set.npz", train_images=images.astype(np.uint8), train_labels=labels)
    network = Network(RECIPE.network_layers(2), (8, 8, 1))
    network.initialize(0)
    np.savez(folder / "weights.npz", **network.weights())  # type: ignore[arg-type] # as in arrays.py
    files = {"arrays": str(folder / "set.npz"), "weights": str(folder / "weights.npz")}
    return {"recipe": json.loads(RECIPE.to_json()), "seed": 0, "classes": 2, "calls": 2, **files}


@pytest.fixture
def sides() -> list[Side]:
    """Optotype in single precision and Keras on JAX, both in the environment of the tests."""
    keras = next(side for side in FP32_TRAINERS if side.name == "keras jax")
    return [replace(ours()[-1], environment=HERE), replace(keras, environment=HERE)]


def test_both_libraries_learn(tmp_path: Path, sides: list[Side]) -> None:
    """In turns of one epoch, optotype and Keras both reach an accuracy above 0.95."""
    turns = take_turns(sides, {**job(tmp_path), "task": "train"}, 5)
    assert all(answer["accuracy"] > 0.95 for answer in turns.answers.values())


def test_both_libraries_predict_the_same(tmp_path: Path, sides: list[Side]) -> None:
    """Given the same weights, optotype and Keras give the same probabilities."""
    turns = take_turns(sides, {**job(tmp_path), "task": "predict", "way": "predict", "images": 50}, 1)
    probabilities, keras_probabilities = (
        np.array(answer["probabilities"]) for answer in turns.answers.values()
    )
    np.testing.assert_allclose(probabilities, keras_probabilities, atol=1e-5)


def test_augmented_training_learns(tmp_path: Path) -> None:
    """On original and on augmented images, optotype reaches an accuracy above 0.9 in turns of one epoch."""
    sides = [replace(side, environment=HERE) for side in augmented()]
    turns = take_turns(sides, {**job(tmp_path), "task": "train"}, 5)
    assert [side.name for side in sides] == list(turns.answers)
    assert all(answer["accuracy"] > 0.9 for answer in turns.answers.values())
