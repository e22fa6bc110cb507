"""The accuracy of judged runs without the suspect test images.

No image is predicted here: the predictions were stored when the runs were judged.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from optotype.checking.findings import Finding, RescoredRun
from optotype.errors import RunError
from optotype.metrics import proportion
from optotype.runs.listing import list_runs
from optotype.runs.run import Run


def suspect_test_images(findings: Sequence[Finding]) -> set[int]:
    """Return the indices of test images with a likely label error or a copy among the training images."""
    return {
        picture.index
        for finding in findings
        if finding.kind in ("label_error", "leak")
        for picture in finding.pictures
        if picture.split == "test"
    }


def rescore_runs(runs_root: Path, test_fingerprint: str, suspects: set[int]) -> tuple[RescoredRun, ...]:
    """Score the judged runs of a test set again, with and without the suspect images.

    Args:
        runs_root: The folder of the runs; damaged runs are skipped.
        test_fingerprint: The fingerprint of the test set.
        suspects: Indices of the suspect test images. Without any, no run is scored again.

    Returns:
        The rescored runs, newest first.
    """
    if not suspects or not runs_root.is_dir():
        return ()
    runs = [run for run in list_runs(runs_root).runs if run.data.test_fingerprint == test_fingerprint]
    rescored = [_rescore(run, suspects) for run in runs]
    return tuple(run for run in rescored if run is not None)


def _rescore(run: Run, suspects: set[int]) -> RescoredRun | None:
    """Score a run again; None if it was not judged, its predictions are damaged, or no image remains."""
    try:
        predictions = run.predictions("test")
    except RunError:
        return None
    if predictions is None:
        return None
    correct = predictions.logits.argmax(axis=1) == predictions.labels
    remaining = correct[~np.isin(predictions.indices, list(suspects))]
    if not len(remaining):
        return None
    return RescoredRun(
        run=run.name,
        n=len(correct),
        accuracy=proportion(int(correct.sum()), len(correct)),
        remaining=len(remaining),
        accuracy_without=proportion(int(remaining.sum()), len(remaining)),
    )
