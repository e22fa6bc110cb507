"""`python -m reproduce.doctor`: how many planted faults the doctor finds in MNIST, and which faults MNIST itself has.

Writes results/doctor.json and docs/pictures/suspects.png, and renders RESULTS.md. It opens the test split of MNIST; the
opening is counted in build/.
"""

from collections.abc import Sequence
from importlib import metadata
from typing import Final

import numpy as np

import optotype as ot
from optotype.checking.cross_validation import cross_validate
from optotype.checking.findings import Kind
from optotype.data.sealed import OpenedTest
from optotype.reporting.image_sheet import Row, draw_sheet
from optotype.storage.atomic import write_durably
from reproduce.examination import FILE, Examination, KindScore, Suspect
from reproduce.machine import this_machine
from reproduce.ours import versions
from reproduce.planted import ALTERATIONS, PlantedFaults, plant
from reproduce.render import write_page
from reproduce.results import CACHE, FOLDER, ROOT, write

PICTURE: Final = ROOT / "docs" / "pictures" / "suspects.png"
_SUSPECTS: Final = 20
_IMAGES_PER_ROW: Final = 10
# A fault of one kind may also be a correct finding of another: a copy with another label has a wrong label.
_ALSO_CORRECT: Final[dict[Kind, tuple[Kind, ...]]] = {"label_error": ("conflict",)}


def main() -> None:
    """Plant faults, check the data, count the findings, and write the results."""
    data = ot.load("mnist")
    opened = ot.open_test(data, CACHE, by="reproduce.doctor")
    planted = plant(data, opened)
    findings = ot.check(planted.data, runs_root=CACHE, report=_print_stage)
    own_findings = ot.check(data, runs_root=CACHE, report=_print_stage)
    suspects = _find_suspects(data, opened)
    write_durably(PICTURE, _draw_suspects(opened, suspects))
    record = Examination(
        planted=score_kinds(findings, planted),
        near_duplicates=recall_by_alteration(findings, planted),
        mnist={kind: len(own_findings.of(kind)) for kind in planted.faults},
        probe_accuracy=round(own_findings.probe_accuracy or 0.0, 6),
        seconds=round(own_findings.seconds, 1),
        suspects=suspects,
        machine=this_machine(),
        versions=versions() | {name: metadata.version(name) for name in ("scikit-learn", "cleanlab")},
    )
    write(record, FOLDER / FILE)
    write_page()
    print(record.model_dump_json(indent=1, exclude={"suspects"}))


def score_kinds(findings: ot.Findings, planted: PlantedFaults) -> dict[Kind, KindScore]:
    """Compute recall and precision of the planted faults for each kind.

    Args:
        findings: The doctor's findings.
        planted: The planted faults.
    """
    scores: dict[Kind, KindScore] = {}
    for kind, faults in planted.faults.items():
        images = _training_images(findings, kind)
        correct = set(faults.tolist()).union(
            *(planted.faults[also_correct_kind].tolist() for also_correct_kind in _ALSO_CORRECT.get(kind, ()))
        )
        named = set().union(*images)
        scores[kind] = KindScore(
            planted=len(faults),
            recall=len(named & set(faults.tolist())) / len(faults),
            found=len(images),
            precision=round(sum(bool(group & correct) for group in images) / max(len(images), 1), 4),
        )
    return scores


def recall_by_alteration(findings: ot.Findings, planted: PlantedFaults) -> dict[str, float]:
    """Compute the recall of near duplicates for each alteration."""
    named: set[int] = set().union(*_training_images(findings, "near_duplicate"))
    copies = {
        name: [index for index, alteration in planted.alterations.items() if alteration == name]
        for name in ALTERATIONS
    }
    return {name: sum(index in named for index in indices) / len(indices) for name, indices in copies.items()}


def _training_images(findings: ot.Findings, kind: Kind) -> list[set[int]]:
    """List the training images of each finding of a kind."""
    return [
        {picture.index for picture in finding.pictures if picture.split == "train"}
        for finding in findings.of(kind)
    ]


def _find_suspects(data: ot.Dataset, opened: OpenedTest) -> tuple[Suspect, ...]:
    """List the test images with the least probable labels, by networks trained on 4/5 of the training images."""
    probabilities = cross_validate(data, np.arange(len(data.labels))).predict_proba(opened.images)
    label_probabilities = probabilities[np.arange(len(opened.labels)), opened.labels]
    return tuple(
        Suspect(
            index=index,
            label=data.class_names[opened.labels[index]],
            probability=round(float(label_probabilities[index]), 6),
            prediction=data.class_names[int(probabilities[index].argmax())],
        )
        for index in np.argsort(label_probabilities, kind="stable")[:_SUSPECTS].tolist()
    )


def _draw_suspects(opened: OpenedTest, suspects: Sequence[Suspect]) -> bytes:
    rows = []
    for start in range(0, len(suspects), _IMAGES_PER_ROW):
        group = suspects[start : start + _IMAGES_PER_ROW]
        captions = tuple(f"{suspect.label}, or {suspect.prediction}?" for suspect in group)
        images = opened.images[[suspect.index for suspect in group]]
        rows.append(Row(f"{start + 1} to {start + len(group)}", "label, or prediction", images, captions))
    return draw_sheet("The test images of MNIST with the least probable labels", rows)


def _print_stage(stage: str) -> None:
    print(stage, flush=True)


if __name__ == "__main__":
    main()
