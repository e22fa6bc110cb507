"""results/trust.json: how well models know their limits, a record for each training; and the table of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from pydantic import Field

from reproduce.results import FOLDER, Frozen

FILE: Final = "trust.json"
_MEANING: Final = """What models say of themselves, measured on test images they never saw; means over the seeds, with
the lowest and the highest. **ECE** is the expected calibration error, before the temperature that was fitted on
validation and with it. **Coverage** is the share of test images whose 99 % label set holds their label, **classes in a
set** its mean size, and **rejected** the share of the model's own test images that it calls unlike its training images
(1 % is aimed at). By `.venv/bin/python -m reproduce.trust --cifar FOLDER`.

CIFAR-10 is the copy as JPEG files here: **these accuracies do not compare with published ones of CIFAR-10.**"""
_OTHERS: Final = """How well the same models tell other images from their own test images: the area under the ROC curve
(0.5 is chance, 1 is perfect), and in brackets the share that is beyond the threshold. The other sets' test images are
brought to the model's size; noise is uniform, blanks are of one grey."""


class Trained(Frozen):
    """What one training came to on test images.

    Attributes:
        seed: Of the training.
        accuracy: Share classified right.
        temperature: That was fitted.
        ece_before: Expected calibration error without it.
        ece_after: With it.
        coverage: Share whose 99 % label set holds the label.
        set_size: Classes in a set, on average.
        rejected: Share that is called unlike the training images.
        areas: For other images by name: area under the ROC curve against the test images.
        caught: For other images by name: share that is called unlike the training images.
    """

    seed: int
    accuracy: float
    temperature: float
    ece_before: float
    ece_after: float
    coverage: float
    set_size: float
    rejected: float
    areas: dict[str, float]
    caught: dict[str, float]


class Subject(Frozen):
    """Trainings of one recipe on one data set, sorted by seed."""

    data: str
    recipe: str
    trainings: tuple[Trained, ...] = ()


class Limits(Frozen):
    """What results/trust.json holds.

    Attributes:
        subjects: One for each data set and recipe.
        versions: Of what did the work.
    """

    subjects: tuple[Subject, ...] = ()
    versions: dict[str, str] = Field(default_factory=dict)


def read(folder: Path = FOLDER) -> Limits:
    """Read what was measured so far."""
    file = folder / FILE
    return Limits.model_validate_json(file.read_text(encoding="utf-8")) if file.exists() else Limits()


def limits_section(folder: Path = FOLDER) -> list[str]:
    """Write what RESULTS.md says of it.

    Args:
        folder: Of the results.

    Returns:
        Paragraphs of Markdown; one that says how to get the others where there is no result yet.
    """
    subjects = [each for each in read(folder).subjects if each.trainings]
    if not subjects:
        return ["None yet: `.venv/bin/python -m reproduce.trust`."]
    return [_MEANING, _own_table(subjects), _OTHERS, _others_table(subjects)]


def _own_table(subjects: list[Subject]) -> str:
    columns: dict[str, Callable[[Trained], float]] = {
        "accuracy": lambda each: each.accuracy,
        "temperature": lambda each: each.temperature,
        "ECE before": lambda each: each.ece_before,
        "ECE after": lambda each: each.ece_after,
        "coverage": lambda each: each.coverage,
        "classes in a set": lambda each: each.set_size,
        "rejected": lambda each: each.rejected,
    }
    rows = [
        [
            subject.data,
            subject.recipe,
            str(len(subject.trainings)),
            *(_spread(subject, of) for of in columns.values()),
        ]
        for subject in subjects
    ]
    return _table(["data", "recipe", "n", *columns], rows)


def _others_table(subjects: list[Subject]) -> str:
    names = list(dict.fromkeys(name for subject in subjects for name in subject.trainings[0].areas))
    rows = []
    for subject in subjects:
        cells = [_of_others(subject, name) for name in names]
        rows.append([subject.data, subject.recipe, *cells])
    return _table(["model of", "recipe", *names], rows)


def _of_others(subject: Subject, name: str) -> str:
    if name not in subject.trainings[0].areas:
        return "-"
    caught = sum(each.caught[name] for each in subject.trainings) / len(subject.trainings)
    return f"{_mean(subject, lambda each: each.areas[name]):.4f} ({100 * caught:.0f} %)"


def _mean(subject: Subject, of: Callable[[Trained], float]) -> float:
    return sum(map(of, subject.trainings)) / len(subject.trainings)


def _spread(subject: Subject, of: Callable[[Trained], float]) -> str:
    values = [of(each) for each in subject.trainings]
    return f"{_mean(subject, of):.4f} ({min(values):.4f} to {max(values):.4f})"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
