"""`python -m reproduce.doctor`: how many planted faults the doctor finds in MNIST, and what it suspects there itself.

Writes results/doctor.json and docs/pictures/suspects.png, and renders RESULTS.md. The test split of MNIST is opened for
it, which is counted in build/.
"""

from collections.abc import Sequence
from importlib import metadata
from typing import Final

import numpy as np

import optotype as ot
from optotype.checking.findings import Kind
from optotype.checking.quick_net import out_of_fold
from optotype.data.sealed import OpenedTest
from optotype.reporting.image_sheet import Row, draw_sheet
from optotype.storage.atomic import write_durably
from reproduce.examination import FILE, Examination, Scored, Suspect
from reproduce.machine import this_machine
from reproduce.ours import versions
from reproduce.planted import WAYS, Planted, plant
from reproduce.render import write_page
from reproduce.results import CACHE, FOLDER, ROOT, write

PICTURE: Final = ROOT / "docs" / "pictures" / "suspects.png"
_SUSPECTS: Final = 20
_ROW: Final = 10
# What of one kind is rightly found as another too: the label of a copy under another label is wrong.
_ALSO_TRUE: Final[dict[Kind, tuple[Kind, ...]]] = {"label_error": ("conflict",)}


def main() -> None:
    """Plant, examine, count, and write."""
    data = ot.load("mnist")
    opened = ot.open_test(data, CACHE, by="reproduce.doctor")
    planted = plant(data, opened)
    found = ot.check(planted.data, runs_root=CACHE, report=_say)
    itself = ot.check(data, runs_root=CACHE, report=_say)
    suspects = _suspects(data, opened)
    write_durably(PICTURE, _drawn(opened, suspects))
    record = Examination(
        planted=scores(found, planted),
        near_duplicates=by_way(found, planted),
        mnist={kind: len(itself.of(kind)) for kind in planted.faults},
        net_accuracy=round(itself.net_accuracy or 0.0, 6),
        seconds=round(itself.seconds, 1),
        suspects=suspects,
        machine=this_machine(),
        versions=versions() | {name: metadata.version(name) for name in ("scikit-learn", "cleanlab")},
    )
    write(record, FOLDER / FILE)
    write_page()
    print(record.model_dump_json(indent=1, exclude={"suspects"}))


def scores(found: ot.Findings, planted: Planted) -> dict[Kind, Scored]:
    """Count what was found of the planted faults.

    Args:
        found: What the doctor found.
        planted: What was planted.
    """
    scored: dict[Kind, Scored] = {}
    for kind, faults in planted.faults.items():
        images = _images(found, kind)
        right = set(faults.tolist()).union(
            *(planted.faults[also].tolist() for also in _ALSO_TRUE.get(kind, ()))
        )
        named = set().union(*images)
        scored[kind] = Scored(
            planted=len(faults),
            recall=len(named & set(faults.tolist())) / len(faults),
            found=len(images),
            precision=round(sum(bool(each & right) for each in images) / max(len(images), 1), 4),
        )
    return scored


def by_way(found: ot.Findings, planted: Planted) -> dict[str, float]:
    """Give the share of near duplicates that were found, for each way in which they were altered."""
    named: set[int] = set().union(*_images(found, "near_duplicate"))
    of_way = {way: [index for index, each in planted.ways.items() if each == way] for way in WAYS}
    return {way: sum(index in named for index in indices) / len(indices) for way, indices in of_way.items()}


def _images(found: ot.Findings, kind: Kind) -> list[set[int]]:
    """List the training images of each finding of a kind."""
    return [
        {picture.index for picture in finding.pictures if picture.split == "train"}
        for finding in found.of(kind)
    ]


def _suspects(data: ot.Dataset, opened: OpenedTest) -> tuple[Suspect, ...]:
    """List the test images whose labels are least probable, by nets trained on four fifths of the training images."""
    probabilities = out_of_fold(data, np.arange(len(data.labels))).of_others(opened.images)
    of_label = probabilities[np.arange(len(opened.labels)), opened.labels]
    return tuple(
        Suspect(
            index=index,
            label=data.class_names[opened.labels[index]],
            probability=round(float(of_label[index]), 6),
            says=data.class_names[int(probabilities[index].argmax())],
        )
        for index in np.argsort(of_label, kind="stable")[:_SUSPECTS].tolist()
    )


def _drawn(opened: OpenedTest, suspects: Sequence[Suspect]) -> bytes:
    rows = []
    for start in range(0, len(suspects), _ROW):
        some = suspects[start : start + _ROW]
        captions = tuple(f"{each.label}, or {each.says}?" for each in some)
        images = opened.images[[each.index for each in some]]
        rows.append(Row(f"{start + 1} to {start + len(some)}", "label, or what nets say", images, captions))
    return draw_sheet("The test images of MNIST whose labels nets find least probable", rows)


def _say(stage: str) -> None:
    print(stage, flush=True)


if __name__ == "__main__":
    main()
