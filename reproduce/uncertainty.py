"""`python -m reproduce.uncertainty`: calibration, label sets and novelty detection over seeds, on test images.

Trainings that are missing in results/uncertainty.json are done, and RESULTS.md is rendered. The test splits of all data
sets are opened for it, which is counted in build/.
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
from reproduce.ours import versions
from reproduce.render import write_page
from reproduce.results import CACHE, FOLDER, write
from reproduce.uncertainty_results import FILE, Subject, Trained, UncertaintyResults, read

CIFAR: Final = "cifar10-jpeg"
SUBJECTS: Final = (
    ("mnist", "mnist-quick", 5),
    ("mnist", "mlp-512-512", 5),
    ("fashion-mnist", "", 3),
    (CIFAR, "", 3),
)
"""Data set, recipe ("" for the data set's default), and number of seeds."""
_VALIDATION_IMAGES: Final = 5000
_OTHER_IMAGES: Final = 2000

Pixels = NDArray[np.uint8]


def main() -> None:
    """Run and measure every training without a result."""
    arguments = _arguments()
    sources = {"mnist": "mnist", "fashion-mnist": "fashion-mnist"}
    if arguments.cifar:
        sources[CIFAR] = arguments.cifar
    data = {name: ot.load(source) for name, source in sources.items()}
    tests = {name: ot.open_test(of_name, CACHE, "reproduce.uncertainty") for name, of_name in data.items()}
    for name, recipe_name, seeds in SUBJECTS:
        if name not in data or (arguments.only and arguments.only != name):
            continue
        for seed in range(seeds):
            recipe = _recipe(name, recipe_name, data[name]).override({"seed": seed})
            if not _is_measured(name, recipe):
                save(name, recipe.name, measure(recipe, data[name], name, tests))
    write_page()


def measure(recipe: ot.Recipe, data: ot.Dataset, name: str, tests: dict[str, OpenedTest]) -> Trained:
    """Train once, and measure the model's uncertainty on test images.

    Args:
        recipe: The recipe, with its seed.
        data: The data set to train on.
        name: The key of its test images in ``tests``.
        tests: The test images of every data set.

    Raises:
        ValueError: If the model has no calibration or no novelty detector.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        model = ot.train(data, recipe, out=Path(folder) / "run").model
    calibration, detector = model.calibration, model.novelty
    if calibration is None or detector is None:
        raise ValueError(
            f"The model of {recipe.name} on {name} has no calibration or no novelty detector, expected both:"
            f" {model.provenance}."
        )
    test = tests[name]
    logits, own_distances = model.logits_and_distances(test.images)
    other_distances = {
        other_name: _distances(model, images) for other_name, images in other_images(data, name, tests)
    }
    return Trained(
        seed=recipe.seed,
        accuracy=round(float(np.mean(logits.argmax(axis=1) == test.labels)), 6),
        temperature=round(calibration.temperature, 4),
        **_calibration_scores(calibration, logits, test.labels),
        **_novelty_scores(detector, _not_none(own_distances), other_distances),
    )


def other_images(data: ot.Dataset, name: str, tests: dict[str, OpenedTest]) -> Iterator[tuple[str, Pixels]]:
    """Yield images that are not from the data set, in its shape: of other data sets, noise, and blank images."""
    rng = np.random.default_rng(0)
    for other_name, test in tests.items():
        if other_name != name:
            yield other_name, in_shape(test.images[:_OTHER_IMAGES], data.shape)
    yield "noise", rng.integers(0, 256, (_OTHER_IMAGES, *data.shape), np.uint8)
    greys = np.arange(256).astype(np.uint8).reshape(-1, 1, 1, 1)
    yield "blanks", np.ascontiguousarray(np.broadcast_to(greys, (256, *data.shape)))


def in_shape(images: Pixels, shape: tuple[int, int, int]) -> Pixels:
    """Convert images to another size and number of channels, as an image editor would."""
    height, width, channels = shape
    mode = "L" if channels == 1 else "RGB"
    resized = []
    for image in images:
        picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).convert(mode)
        resized.append(np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR)))
    return np.stack(resized).reshape(-1, *shape)


def save(name: str, recipe: str, training: Trained) -> None:
    """Add a training to results/uncertainty.json."""
    saved = read()
    subjects = {(subject.data, subject.recipe): subject for subject in saved.subjects}
    old = subjects.get((name, recipe), Subject(data=name, recipe=recipe))
    trainings = {entry.seed: entry for entry in (*old.trainings, training)}
    ordered = tuple(trainings[seed] for seed in sorted(trainings))
    subjects[name, recipe] = Subject(data=name, recipe=recipe, trainings=ordered)
    results = UncertaintyResults(
        subjects=tuple(subjects[key] for key in sorted(subjects)), versions=versions()
    )
    write(results, FOLDER / FILE)
    print(f"{name} {recipe} {training}", flush=True)


def _calibration_scores(
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


def _novelty_scores(
    detector: NoveltyDetector,
    own_distances: NDArray[np.float32],
    other_distances: dict[str, NDArray[np.float32]],
) -> dict[str, object]:
    return {
        "novelty_rate": round(float(detector.is_novel(own_distances).mean()), 6),
        "auroc": {
            name: round(_auroc(own_distances, distances), 6) for name, distances in other_distances.items()
        },
        "detection_rate": {
            name: round(float(detector.is_novel(distances).mean()), 4)
            for name, distances in other_distances.items()
        },
    }


def _auroc(own_distances: NDArray[np.float32], other_distances: NDArray[np.float32]) -> float:
    """Return the area under the ROC curve: how often another image has a larger distance than one of the data set."""
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 - loaded only for a measurement

    is_other = np.repeat([0, 1], [len(own_distances), len(other_distances)])
    return float(roc_auc_score(is_other, np.concatenate([own_distances, other_distances])))


def _distances(model: ot.Model, images: Pixels) -> NDArray[np.float32]:
    return _not_none(model.logits_and_distances(images)[1])


def _not_none(distances: NDArray[np.float32] | None) -> NDArray[np.float32]:
    if distances is None:
        raise ValueError(
            "The model returned no distances, expected some. Train it with more validation images."
        )
    return distances


def _recipe(name: str, recipe_name: str, data: ot.Dataset) -> ot.Recipe:
    recipe = ot.load_recipe(recipe_name) if recipe_name else default_recipe(name, len(data.labels))
    return recipe if recipe.validation else recipe.override({"validation": _VALIDATION_IMAGES})


def _is_measured(name: str, recipe: ot.Recipe) -> bool:
    return any(
        subject.data == name
        and subject.recipe == recipe.name
        and recipe.seed in {training.seed for training in subject.trainings}
        for subject in read().subjects
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m reproduce.uncertainty",
        description="Measure the uncertainty of models. Trainings in results/uncertainty.json are not repeated.",
    )
    parser.add_argument(
        "--cifar", metavar="FOLDER", help="CIFAR-10 as image files in train/CLASS and test/CLASS"
    )
    parser.add_argument(
        "--only", choices=[name for name, _, _ in SUBJECTS], help="train on one data set only"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
