"""`python -m reproduce.diagnoses`: the diagnoses of runs with a planted fault, and of healthy runs.

Trains and judges the runs that results/diagnoses.json lacks, one at a time, and renders RESULTS.md. The seed and the
images differ from those on which the thresholds were chosen.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

import optotype as ot
from optotype.data.dataset import SealedTest
from optotype.data.sealed import open_test
from optotype.randomness import permutation, uniform
from reproduce.conditions import FILE, Trial, Trials
from reproduce.machine import this_machine
from reproduce.ours import versions
from reproduce.render import write_page
from reproduce.results import CACHE, FOLDER, write

SEED: Final = 20261123
SETS: Final = ("mnist", "fashion-mnist")
NETS: Final = ("mlp-512-512", "cnn-small", "mnist-quick", "mlp-32-16")
FACTORS: Final = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)
_IMAGES: Final = 10_000
_VALIDATION_IMAGES: Final = 2_000


@dataclass(frozen=True)
class PlannedTrial:
    """A training to run: the planted fault, the data set, the recipe and the factor of its learning rate."""

    condition: str
    data: str
    net: str
    factor: float = 1.0


def planned_trials() -> Iterator[PlannedTrial]:
    """List every training."""
    for data in SETS:
        for net in NETS:
            yield from (PlannedTrial("rate", data, net, factor) for factor in FACTORS)
        for condition in ("noise 10 %", "noise 20 %", "rare class", "few training images"):
            yield from (
                PlannedTrial(condition, data, net) for net in ("mlp-512-512", "cnn-small", "mnist-quick")
            )
        yield from (PlannedTrial(condition, data, "mnist-quick") for condition in ("leak", "few test images"))
        yield PlannedTrial("deep sigmoid", data, "dnn-sigmoid")
        yield from (PlannedTrial("healthy", data, net) for net in ("mnist-quick", "cnn-small", "mlp-32-16"))
    yield PlannedTrial("healthy", "mnist", "mlp-512-512")
    yield PlannedTrial("deep sigmoid, relu instead", "mnist", "dnn-sigmoid")
    yield PlannedTrial("deep sigmoid, Adam instead", "mnist", "dnn-sigmoid")


def main() -> None:
    """Run the missing trainings, and write the results."""
    path = FOLDER / FILE
    known = Trials.model_validate_json(path.read_text(encoding="utf-8")).trials if path.exists() else ()
    done = {(trial.condition, trial.data, trial.net, trial.factor) for trial in known}
    for plan in planned_trials():
        if (plan.condition, plan.data, plan.net, plan.factor) in done:
            continue
        trial = _run_trial(plan)
        known = (*known, trial)
        write(Trials(machine=this_machine(), versions=versions(), trials=known), path)
        print(trial.model_dump_json(exclude={"evidence"}), flush=True)
    write_page()


def _run_trial(plan: PlannedTrial) -> Trial:
    data, recipe = planted_data(plan), _recipe(plan)
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        try:
            run = ot.train(data, recipe, out=Path(folder) / "run")
        except ot.DivergedError:
            return Trial(**vars(plan), train=None, validation=None, test=None, kinds=("diverged",))
        judgement = ot.judge(run, data=data, runs_root=CACHE)
        scores = {name: score and round(score.accuracy.value, 4) for name, score in judgement.splits.items()}
        first_epoch = run.epochs[0]
    return Trial(
        **vars(plan),
        **scores,
        first=round(first_epoch.accuracy, 4),
        kinds=tuple(diagnosis.kind for diagnosis in judgement.diagnoses),
        evidence=tuple(diagnosis.evidence for diagnosis in judgement.diagnoses),
    )


def _recipe(plan: PlannedTrial) -> ot.Recipe:
    recipe = ot.load_recipe(plan.net)
    changes: dict[str, object] = {
        "seed": 1,
        "optimizer.learning_rate": recipe.optimizer.learning_rate * plan.factor,
    }
    if not _uses_whole_set(plan):
        changes["validation"] = 100 if plan.condition == "few training images" else _VALIDATION_IMAGES
    if plan.condition == "few training images":
        changes["epochs"] = 30
    if plan.condition.startswith("deep sigmoid"):
        changes["epochs"] = 3
    if plan.condition == "deep sigmoid, Adam instead":
        changes = {"seed": 1, "epochs": 3, "optimizer.type": "Adam"}
    recipe = recipe.override(changes)
    if plan.condition == "deep sigmoid, relu instead":
        layers = tuple(
            replace(layer, activation="relu") if isinstance(layer, ot.Dense) else layer
            for layer in recipe.layers
        )
        recipe = recipe.model_copy(update={"layers": layers})
    return recipe


def planted_data(plan: PlannedTrial) -> ot.Dataset:
    """Return 10,000 images with the planted fault; the whole set for healthy runs and for the lesson."""
    full = ot.load(plan.data)
    if _uses_whole_set(plan):
        return full
    few = plan.condition == "few training images"
    rows = permutation(len(full.labels), SEED)[: 500 if few else _IMAGES]
    labels = full.labels[rows].copy()
    if plan.condition.startswith("noise"):
        wrong = uniform(len(labels), SEED, 1) < float(plan.condition.split()[1]) / 100
        labels[wrong] = (labels[wrong] + 1 + permutation(int(wrong.sum()), SEED, 2) % 9) % 10
    if plan.condition == "rare class":
        remaining = (labels != 5) | (uniform(len(labels), SEED, 3) < 0.05)
        rows, labels = rows[remaining], labels[remaining]
    data = replace(full, images=full.images[rows], labels=labels)
    return replace(data, test=_test(plan, full, data))


def _uses_whole_set(plan: PlannedTrial) -> bool:
    """Return whether a training uses the whole set, with the recipe's own validation."""
    return plan.condition == "healthy" or plan.condition.startswith("deep sigmoid")


def _test(plan: PlannedTrial, full: ot.Dataset, data: ot.Dataset) -> SealedTest:
    """Return the test split of the set; with training images in it, or only 30 images, if that is the fault."""
    if plan.condition not in ("leak", "few test images"):
        return full.test
    opened = open_test(full, CACHE, by="reproduce.diagnoses")
    images, labels = opened.images[:1000], opened.labels[:1000]
    if plan.condition == "few test images":
        images, labels = images[:30], labels[:30]
    else:
        images = np.concatenate([images[:950], data.images[:50]])
        labels = np.concatenate([labels[:950], data.labels[:50]])
    return SealedTest(len(labels), lambda: (images, labels))


if __name__ == "__main__":
    main()
