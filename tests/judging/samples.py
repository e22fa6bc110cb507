"""Synthetic judgements: random logits for small random images, with every optional part or none."""

from dataclasses import replace

import numpy as np
from pydantic import JsonValue

from optotype.data.openings import Opening
from optotype.diagnosis.diagnosis import Diagnosis
from optotype.engine.layers import Dense, Flatten
from optotype.engine.network import Network
from optotype.judging.judgement import (
    Baseline,
    Bin,
    CalibrationCheck,
    Evidence,
    Judgement,
    LabelSets,
    NoveltyCheck,
    Reliability,
    RobustnessCurve,
)
from optotype.judging.scores import score
from optotype.metrics import Estimate, proportion
from optotype.models.model import Model
from optotype.models.provenance import Provenance
from optotype.recipes.recipe import Recipe
from optotype.runs.predictions import Predictions


def judged(
    classes: int = 10,
    n: int = 60,
    *,
    shape: tuple[int, int, int] = (6, 5, 1),
    name: str = "class {}",
    recipe: Recipe | None = None,
) -> tuple[Judgement, Model]:
    """Return a judgement with scores of three splits and their evidence, and the judged model.

    Args:
        classes: Number of classes; the last one has no images.
        n: Number of test images and of training images; there are half as many validation images.
        shape: Shape of an image.
        name: Template of the class names with braces for the number; used for the run and the data too.
        recipe: The model's recipe; None for a small default.
    """
    model = _model(classes, shape, name, recipe or Recipe(layers=(Flatten(), Dense(5, "relu"))))
    random = np.random.default_rng(classes)
    sizes = {"train": n, "validation": n // 2, "test": n}
    images = {
        split: random.integers(0, 256, (size, *shape)).astype(np.uint8) for split, size in sizes.items()
    }
    predictions = {split: _predictions(random, size, classes) for split, size in sizes.items()}
    files = dict.fromkeys(sizes)
    judgement = Judgement(
        target=name.format("run"),
        data=name.format("data"),
        on="test",
        splits={split: score(each, model.class_names) for split, each in predictions.items()},
        openings=(Opening("2026-01-01T00:00:00+00:00", name.format("judge")),),
        test_fingerprint="sha256:0",
        evidence=Evidence(predictions, images, files),
    )
    return judgement, model


def complete(judgement: Judgement, text: str = "some text") -> Judgement:
    """Return a judgement with every optional part added, and with a text in every text field."""
    some = Estimate(0.5, 0.25, 0.75)
    bins = tuple(
        Bin(low, low + 0.25, 20, low + 0.1, Estimate(low + 0.15, low, low + 0.25))
        for low in (0.25, 0.5, 0.75)
    )
    check = Reliability(Estimate(0.0312, 0.02, 0.04), Estimate(0.3, 0.2, 0.4), bins)
    levels = (0.0, 1.0, 2.0, 3.0)
    curve = tuple(proportion(90 - 20 * level, 100) for level in range(4))
    return replace(
        judgement,
        calibration=CalibrationCheck(1.25, 30, check, replace(check, ece=Estimate(0.0123, 0.01, 0.02))),
        label_sets=LabelSets(0.99, proportion(97, 100), some, 1.3, 4),
        novelty=NoveltyCheck(0.01, proportion(2, 100)),
        baselines=(
            Baseline(f"{text} majority", 50, proportion(10, 100), 100),
            Baseline(text, 50, proportion(20, 100), 100),
        ),
        robustness=tuple(RobustnessCurve(f"{text} {i}", text, levels, curve, 100) for i in range(5)),
        diagnoses=(
            Diagnosis("kind", f"{text} is said.", text, text, severe=True),
            Diagnosis("kind", f"{text} is also said.", text, text),
        ),
        notes=(f"{text} is a note.",),
    )


def _predictions(random: np.random.Generator, n: int, classes: int) -> Predictions:
    labels = np.arange(n) % max(classes - 1, 1)
    logits = random.normal(0, 1.5, (n, classes))
    logits[np.arange(n), labels] += 2
    distances = random.uniform(0, 2, n).astype(np.float32)
    return Predictions(np.arange(n), labels, logits.astype(np.float32), distances)


def _model(classes: int, shape: tuple[int, int, int], name: str, recipe: Recipe) -> Model:
    network = Network(recipe.network_layers(classes), shape, threads=1)
    network.initialize(0)
    names = tuple(name.format(index) for index in range(classes))
    environment: dict[str, JsonValue] = {
        "optotype": "0.0",
        "processor": name.format("processor"),
        "isa": "portable",
        "threads": 1,
    }
    data: dict[str, JsonValue] = {
        "name": name.format("data"),
        "source": name.format("source"),
        "images": 90,
        "shape": list[JsonValue](shape),
        "fingerprint": "sha256:1",
        "test_images": 60,
        "test_fingerprint": "sha256:0",
    }
    provenance: dict[str, JsonValue] = {
        "run": name.format("run"),
        "epoch": 3,
        "data": data,
        "split": "sha256:2",
        "environment": environment,
    }
    return Model(recipe, shape, names, network.weights(), Provenance.from_json(provenance))
