"""results/doctor.json: what the doctor found of the faults that were planted into MNIST; and its tables."""

from pathlib import Path
from typing import Final

from optotype.checking.findings import KINDS, Kind
from reproduce.machine import Machine
from reproduce.results import Frozen

FILE: Final = "doctor.json"


class Scored(Frozen):
    """How faults of one kind were found.

    Attributes:
        planted: How many there were.
        recall: Share of them that were found as what they are.
        found: Findings of this kind.
        precision: Share of these that are of an image in which the fault was planted. What the doctor found in MNIST
            itself counts as wrong, so the true precision is at least this.
    """

    planted: int
    recall: float
    found: int
    precision: float


class Suspect(Frozen):
    """A test image with the probability of its label, and what nets that never saw it say instead."""

    index: int
    label: str
    probability: float
    says: str


class Examination(Frozen):
    """What came of it.

    Attributes:
        planted: For each kind, what was found of the planted faults.
        near_duplicates: Share found of the near duplicates that were altered in each way.
        mnist: Findings of each kind in MNIST itself.
        net_accuracy: Of the quick nets on MNIST itself, on images they were not trained on.
        seconds: For the examination of MNIST itself.
        suspects: The test images of MNIST whose labels are least probable.
        machine: On which.
        versions: Of what did the work.
    """

    planted: dict[Kind, Scored]
    near_duplicates: dict[str, float]
    mnist: dict[Kind, int]
    net_accuracy: float
    seconds: float
    suspects: tuple[Suspect, ...]
    machine: Machine
    versions: dict[str, str]


def faults_section(folder: Path) -> list[str]:
    """Write what RESULTS.md says of the doctor.

    Args:
        folder: Of the results.

    Returns:
        Paragraphs of Markdown; one that says how to get the others where there is no result yet.
    """
    file = folder / FILE
    if not file.exists():
        return ["None yet: `.venv/bin/python -m reproduce.doctor`."]
    found = Examination.model_validate_json(file.read_text(encoding="utf-8"))
    return [_MEANING, _table(found), _ways(found), _itself(found)]


_MEANING: Final = """`optotype data mnist --check` on MNIST with 100 planted faults of each kind.
Recall is the share of the planted faults that were found as what they are; precision the share of the findings that are
planted faults. What the doctor finds in MNIST itself counts against its precision. How they are planted is in
`reproduce/planted.py`; by `.venv/bin/python -m reproduce.doctor`."""


def _table(found: Examination) -> str:
    rows = [
        f"| {KINDS[kind].title} | {each.planted} | {each.recall:.2f} | {each.found} | {each.precision:.2f} |"
        f" {found.mnist[kind]} |"
        for kind, each in found.planted.items()
    ]
    head = [
        "| kind | planted | recall | found | precision | found in MNIST itself |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows])


def _ways(found: Examination) -> str:
    ways = ", ".join(f"{way} {share:.2f}" for way, share in found.near_duplicates.items())
    return f"Recall of near duplicates by how they were altered: {ways}."


def _itself(found: Examination) -> str:
    suspects = ", ".join(f"{each.index} ({each.label}, or {each.says}?)" for each in found.suspects)
    return (
        f"MNIST itself was examined in {found.seconds:.0f} s on {found.machine}; the quick nets classified"
        f" {100 * found.net_accuracy:.1f} % of the training images as they are labelled. The test images whose labels"
        f" they find least probable, by index: {suspects}.\n\n"
        "![These images](docs/pictures/suspects.png)"
    )
