"""results/uncertainty.json: calibration, label sets and novelty detection of each training, and their tables."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from pydantic import Field

from reproduce.results import FOLDER, Frozen

FILE: Final = "uncertainty.json"
_OWN_DESCRIPTION: Final = """The uncertainty of models on test images that they were not trained on: means over the
seeds, with the lowest and the highest value. **ECE** is the expected calibration error, before and after the
temperature that was fitted on validation images. **Coverage** is the share of test images whose 99 % label set
contains their label, **classes in a set** is the mean size of the label sets, and **novelty rate** is the share of
the data set's own test images that the model rejects as unlike its training images (target 1 %). By
`.venv/bin/python -m reproduce.uncertainty --cifar FOLDER`.

CIFAR-10 is a copy as JPEG files: **these accuracies cannot be compared with published accuracies on CIFAR-10.**"""
_OTHER_DESCRIPTION: Final = """How well the same models distinguish other images from their own test images: the
area under the ROC curve (0.5 is chance, 1 is perfect), and in brackets the share of the other images beyond the
threshold. Test images of other data sets are converted to the model's size; noise is uniform; blanks are images of
one grey level."""


class Trained(Frozen):
    """The result of one training on test images.

    Attributes:
        seed: Seed of the training.
        accuracy: Share classified correctly.
        temperature: The fitted temperature.
        ece_before: Expected calibration error without the temperature.
        ece_after: Expected calibration error with the temperature.
        coverage: Share of the images whose 99 % label set contains the label.
        set_size: Mean number of classes in a label set.
        novelty_rate: Share of the images that are rejected as unlike the training images.
        auroc: By name of other images: area under the ROC curve against the test images.
        detection_rate: By name of other images: share that is rejected as unlike the training images.
    """

    seed: int
    accuracy: float
    temperature: float
    ece_before: float
    ece_after: float
    coverage: float
    set_size: float
    novelty_rate: float
    auroc: dict[str, float]
    detection_rate: dict[str, float]


class Subject(Frozen):
    """Trainings of one recipe on one data set, sorted by seed."""

    data: str
    recipe: str
    trainings: tuple[Trained, ...] = ()


class UncertaintyResults(Frozen):
    """The content of results/uncertainty.json.

    Attributes:
        subjects: One for each data set and recipe.
        versions: Versions of the software that was used.
    """

    subjects: tuple[Subject, ...] = ()
    versions: dict[str, str] = Field(default_factory=dict)


def read(folder: Path = FOLDER) -> UncertaintyResults:
    """Read the saved results."""
    file = folder / FILE
    if not file.exists():
        return UncertaintyResults()
    return UncertaintyResults.model_validate_json(file.read_text(encoding="utf-8"))


def uncertainty_section(folder: Path = FOLDER) -> list[str]:
    """Return the section of RESULTS.md on uncertainty.

    Args:
        folder: The folder of the results.

    Returns:
        Paragraphs of Markdown; one with the command to run if there are no results.
    """
    subjects = [subject for subject in read(folder).subjects if subject.trainings]
    if not subjects:
        return ["None yet: `.venv/bin/python -m reproduce.uncertainty`."]
    return [_OWN_DESCRIPTION, _own_table(subjects), _OTHER_DESCRIPTION, _other_table(subjects)]


def _own_table(subjects: list[Subject]) -> str:
    columns: dict[str, Callable[[Trained], float]] = {
        "accuracy": lambda training: training.accuracy,
        "temperature": lambda training: training.temperature,
        "ECE before": lambda training: training.ece_before,
        "ECE after": lambda training: training.ece_after,
        "coverage": lambda training: training.coverage,
        "classes in a set": lambda training: training.set_size,
        "novelty rate": lambda training: training.novelty_rate,
    }
    rows = [
        [
            subject.data,
            subject.recipe,
            str(len(subject.trainings)),
            *(_mean_and_range(subject, value_of) for value_of in columns.values()),
        ]
        for subject in subjects
    ]
    return _table(["data", "recipe", "n", *columns], rows)


def _other_table(subjects: list[Subject]) -> str:
    names = list(dict.fromkeys(name for subject in subjects for name in subject.trainings[0].auroc))
    rows = []
    for subject in subjects:
        cells = [_other_cell(subject, name) for name in names]
        rows.append([subject.data, subject.recipe, *cells])
    return _table(["model of", "recipe", *names], rows)


def _other_cell(subject: Subject, name: str) -> str:
    if name not in subject.trainings[0].auroc:
        return "-"
    rate = sum(training.detection_rate[name] for training in subject.trainings) / len(subject.trainings)
    return f"{_mean(subject, lambda training: training.auroc[name]):.4f} ({100 * rate:.0f} %)"


def _mean(subject: Subject, value_of: Callable[[Trained], float]) -> float:
    return sum(map(value_of, subject.trainings)) / len(subject.trainings)


def _mean_and_range(subject: Subject, value_of: Callable[[Trained], float]) -> str:
    values = [value_of(training) for training in subject.trainings]
    return f"{_mean(subject, value_of):.4f} ({min(values):.4f} to {max(values):.4f})"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
