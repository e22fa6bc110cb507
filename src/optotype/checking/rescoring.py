"""What doubted test images are worth: the accuracy of the runs that were judged on them, with and without.

Nothing is predicted here: it was kept when the runs were judged.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from optotype.checking.findings import Doubted, Finding
from optotype.errors import RunError
from optotype.metrics import proportion
from optotype.runs.listing import list_runs
from optotype.runs.run import Run


def in_doubt(findings: Sequence[Finding]) -> set[int]:
    """Give the indices of the test images that are likely labelled wrong, or that a training image is a copy of."""
    return {
        picture.index
        for finding in findings
        if finding.kind in ("label_error", "leak")
        for picture in finding.pictures
        if picture.split == "test"
    }


def doubted_runs(runs_root: Path, test_fingerprint: str, doubted: set[int]) -> tuple[Doubted, ...]:
    """Score the judged runs of a test set again, with and without some of its images.

    Args:
        runs_root: The folder of the runs; what is damaged there is passed over.
        test_fingerprint: Of the test set.
        doubted: Indices of the images to do without; where there are none, nothing is to be said of any run.

    Returns:
        The runs, the newest first.
    """
    if not doubted or not runs_root.is_dir():
        return ()
    runs = [run for run in list_runs(runs_root).runs if run.data.test_fingerprint == test_fingerprint]
    scored = [_scored(run, doubted) for run in runs]
    return tuple(each for each in scored if each is not None)


def _scored(run: Run, doubted: set[int]) -> Doubted | None:
    """Score a run; None where it was not judged, what it said is damaged, or no image is left."""
    try:
        said = run.predictions("test")
    except RunError:
        return None
    if said is None:
        return None
    right = said.logits.argmax(axis=1) == said.labels
    kept = right[~np.isin(said.indices, list(doubted))]
    if not len(kept):
        return None
    accuracy, without = (proportion(int(each.sum()), len(each)) for each in (right, kept))
    return Doubted(run.name, len(right), accuracy, len(kept), without)
