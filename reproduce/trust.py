"""`python -m reproduce.trust`: calibration, label sets and rejection of other images, over seeds, on test images.

What is missing in results/trust.json is trained, and RESULTS.md is rendered. The test splits of every set are opened
for it, which is counted in build/.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import optotype as ot
from optotype.data.sealed import OpenedTest
from optotype.metrics.calibration import expected_calibration_error
from optotype.models.calibration import Calibration
from optotype.models.novelty import NoveltyDetector
from optotype.recipes.builtin import default_recipe
from reproduce.limits import FILE, Limits, Subject, Trained, read
from reproduce.ours import versions
from reproduce.render import write_page
from reproduce.results import CACHE, FOLDER, write

CIFAR: Final = "cifar10-jpeg"
SUBJECTS: Final = (
    ("mnist", "mnist-quick", 5),
    ("mnist", "mlp-512-512", 5),
    ("fashion-mnist", "", 3),
    (CIFAR, "", 3),
)
"""Data set, recipe ("" for the one that is its default), and seeds."""
_VALIDATION: Final = 5000
_OTHERS: Final = 2000

Pixels = NDArray[np.uint8]


def main() -> None:
    """Do what the arguments say."""
    arguments = _arguments()
    sources = {"mnist": "mnist", "fashion-mnist": "fashion-mnist"}
    if arguments.cifar:
        sources[CIFAR] = arguments.cifar
    data = {name: ot.load(source) for name, source in sources.items()}
    tests = {name: ot.open_test(each, CACHE, "reproduce.trust") for name, each in data.items()}
    for name, recipe, seeds in SUBJECTS:
        if name not in data or (arguments.only and arguments.only != name):
            continue
        for seed in range(seeds):
            chosen = _recipe(name, recipe, data[name]).override({"seed": seed})
            if not _known(name, chosen):
                keep(name, chosen.name, measure(chosen, data[name], name, tests))
    write_page()


def measure(recipe: ot.Recipe, data: ot.Dataset, name: str, tests: dict[str, OpenedTest]) -> Trained:
    """Train once, and measure what the model knows of its limits.

    Args:
        recipe: With its seed.
        data: What to train on.
        name: Which of the tests is that of these data.
        tests: The test images of every set.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        model = ot.train(data, recipe, out=Path(folder) / "run").model
    calibration, familiarity = model.calibration, model.novelty
    if calibration is None or familiarity is None:
        raise ValueError(
            f"The model of {recipe.name} on {name} has no doubts, expected some: {model.provenance}."
        )
    test = tests[name]
    logits, own = model.logits_and_distances(test.images)
    others = {what: _distances(model, images) for what, images in other_images(data, name, tests)}
    return Trained(
        seed=recipe.seed,
        accuracy=round(float(np.mean(logits.argmax(axis=1) == test.labels)), 6),
        temperature=round(calibration.temperature, 4),
        **_promises(calibration, logits, test.labels),
        **_rejection(familiarity, _present(own), others),
    )


def other_images(data: ot.Dataset, name: str, tests: dict[str, OpenedTest]) -> Iterator[tuple[str, Pixels]]:
    """Give images that are none of the data's, in their shape: of other sets, noise, and blanks."""
    rng = np.random.default_rng(0)
    for other, test in tests.items():
        if other != name:
            yield other, in_shape(test.images[:_OTHERS], data.shape)
    yield "noise", rng.integers(0, 256, (_OTHERS, *data.shape), np.uint8)
    greys = np.arange(256).astype(np.uint8).reshape(-1, 1, 1, 1)
    yield "blanks", np.ascontiguousarray(np.broadcast_to(greys, (256, *data.shape)))


def in_shape(images: Pixels, shape: tuple[int, int, int]) -> Pixels:
    """Bring images into another size and number of channels, as a photo program would."""
    height, width, channels = shape
    mode = "L" if channels == 1 else "RGB"
    brought = []
    for image in images:
        picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).convert(mode)
        brought.append(np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR)))
    return np.stack(brought).reshape(-1, *shape)


def keep(name: str, recipe: str, found: Trained) -> None:
    """Add a training to results/trust.json."""
    known = read()
    subjects = {(each.data, each.recipe): each for each in known.subjects}
    old = subjects.get((name, recipe), Subject(data=name, recipe=recipe))
    trainings = {each.seed: each for each in (*old.trainings, found)}
    ordered = tuple(trainings[seed] for seed in sorted(trainings))
    subjects[name, recipe] = Subject(data=name, recipe=recipe, trainings=ordered)
    write(
        Limits(subjects=tuple(subjects[key] for key in sorted(subjects)), versions=versions()), FOLDER / FILE
    )
    print(f"{name} {recipe} {found}", flush=True)


def _promises(
    calibration: Calibration, logits: NDArray[np.float32], labels: NDArray[np.int64]
) -> dict[str, float]:
    before, after = (
        Calibration(1.0, calibration.scores).probabilities(logits),
        calibration.probabilities(logits),
    )
    sets = calibration.label_sets(after)
    return {
        "ece_before": round(expected_calibration_error(before, labels).value, 6),
        "ece_after": round(expected_calibration_error(after, labels).value, 6),
        "coverage": round(float(sets[np.arange(len(labels)), labels].mean()), 6),
        "set_size": round(float(sets.sum(axis=1).mean()), 4),
    }


def _rejection(
    familiarity: NoveltyDetector, own: NDArray[np.float32], others: dict[str, NDArray[np.float32]]
) -> dict[str, object]:
    return {
        "rejected": round(float(familiarity.is_novel(own).mean()), 6),
        "areas": {what: round(_area(own, each), 6) for what, each in others.items()},
        "caught": {what: round(float(familiarity.is_novel(each).mean()), 4) for what, each in others.items()},
    }


def _area(own: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Give the area under the ROC curve: how often another image is farther away than one of the model's own."""
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 - only measuring pays for it

    truth = np.repeat([0, 1], [len(own), len(other)])
    return float(roc_auc_score(truth, np.concatenate([own, other])))


def _distances(model: ot.Model, images: Pixels) -> NDArray[np.float32]:
    return _present(model.logits_and_distances(images)[1])


def _present(distances: NDArray[np.float32] | None) -> NDArray[np.float32]:
    if distances is None:
        raise ValueError("A model gave no distances, expected some. Train it with more validation images.")
    return distances


def _recipe(name: str, recipe: str, data: ot.Dataset) -> ot.Recipe:
    chosen = ot.load_recipe(recipe) if recipe else default_recipe(name, len(data.labels))
    return chosen if chosen.validation else chosen.override({"validation": _VALIDATION})


def _known(name: str, recipe: ot.Recipe) -> bool:
    return any(
        subject.data == name
        and subject.recipe == recipe.name
        and recipe.seed in {t.seed for t in subject.trainings}
        for subject in read().subjects
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m reproduce.trust",
        description="Measure how well models know their limits. What is in results/trust.json is not done again.",
    )
    parser.add_argument(
        "--cifar", metavar="FOLDER", help="CIFAR-10's images as picture files in train/CLASS and test/CLASS"
    )
    parser.add_argument(
        "--only", choices=[name for name, _, _ in SUBJECTS], help="train on one data set only"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
