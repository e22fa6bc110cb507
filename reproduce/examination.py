"""results/doctor.json: how well the doctor finds faults that were planted into MNIST; and its tables."""

from pathlib import Path
from typing import Final

from optotype.checking.findings import KINDS, Kind
from reproduce.machine import Machine
from reproduce.results import Frozen

FILE: Final = "doctor.json"


class KindScore(Frozen):
    """How well the faults of one kind were found.

    Attributes:
        planted: Number of planted faults.
        recall: Share of the planted faults that were found as this kind.
        found: Number of findings of this kind.
        precision: Share of these findings that contain an image with a planted fault. Findings in MNIST itself count as
            false, so the true precision is at least this.
    """

    planted: int
    recall: float
    found: int
    precision: float


class Suspect(Frozen):
    """A test image with the probability of its label, and the class that networks not trained on it predict."""

    index: int
    label: str
    probability: float
    prediction: str


class Examination(Frozen):
    """The results.

    Attributes:
        planted: The score of each kind.
        near_duplicates: Recall of near duplicates for each alteration.
        mnist: Number of findings of each kind in MNIST itself.
        probe_accuracy: Cross-validated accuracy of the probe networks on MNIST itself.
        seconds: Duration of the check of MNIST itself.
        suspects: The test images of MNIST with the least probable labels.
        machine: The machine.
        versions: The versions of the software.
    """

    planted: dict[Kind, KindScore]
    near_duplicates: dict[str, float]
    mnist: dict[Kind, int]
    probe_accuracy: float
    seconds: float
    suspects: tuple[Suspect, ...]
    machine: Machine
    versions: dict[str, str]


def faults_section(folder: Path) -> list[str]:
    """Render the section of RESULTS.md on the doctor.

    Args:
        folder: The folder of the results.

    Returns:
        Paragraphs of Markdown; without a result, one paragraph with the command that computes it.
    """
    file = folder / FILE
    if not file.exists():
        return ["None yet: `.venv/bin/python -m reproduce.doctor`."]
    results = Examination.model_validate_json(file.read_text(encoding="utf-8"))
    return [_INTRODUCTION, _table(results), _alterations(results), _mnist_itself(results)]


_INTRODUCTION: Final = """`optotype data mnist --check` on MNIST with 100 planted faults of each kind.
Recall is the share of the planted faults that are found as their kind. Precision is the share of the findings that are
planted faults; findings in MNIST itself count against it. `reproduce/planted.py` plants the faults. Command:
`.venv/bin/python -m reproduce.doctor`."""


def _table(results: Examination) -> str:
    rows = [
        f"| {KINDS[kind].title} | {score.planted} | {score.recall:.2f} | {score.found} | {score.precision:.2f} |"
        f" {results.mnist[kind]} |"
        for kind, score in results.planted.items()
    ]
    head = [
        "| kind | planted | recall | found | precision | found in MNIST itself |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows])


def _alterations(results: Examination) -> str:
    recalls = ", ".join(f"{name} {recall:.2f}" for name, recall in results.near_duplicates.items())
    return f"Recall of near duplicates by alteration: {recalls}."


def _mnist_itself(results: Examination) -> str:
    suspects = ", ".join(
        f"{suspect.index} ({suspect.label}, or {suspect.prediction}?)" for suspect in results.suspects
    )
    return (
        f"The check of MNIST itself took {results.seconds:.0f} s on {results.machine}. The cross-validated accuracy of"
        f" the probe networks was {100 * results.probe_accuracy:.1f} %. The test images with the least probable"
        f" labels, by index: {suspects}.\n\n"
        "![These images](docs/pictures/suspects.png)"
    )
