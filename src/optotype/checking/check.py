"""check: runs every check of the data doctor on a data set.

The test split is opened last, when only comparisons with it remain, because each opening is counted and must not be
wasted on an error. Nothing is trained on the test images or selected with them.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from optotype.checking.cross_validation import CrossValidation, cross_validate
from optotype.checking.duplicates import DuplicateSearch
from optotype.checking.findings import KINDS, Finding, Findings, RescoredRun
from optotype.checking.imbalance import imbalance
from optotype.checking.label_errors import label_errors
from optotype.checking.outliers import brightness_outliers, size_outliers
from optotype.checking.rescoring import rescore_runs, suspect_test_images
from optotype.checking.thumbnails import thumbnails
from optotype.data.dataset import Dataset
from optotype.data.sealed import OpenedTest
from optotype.data.sealed import open_test as open_sealed

Report = Callable[[str], object]

_MIN_IMAGES_FOR_LABEL_ERRORS: Final = 100


def check(
    data: Dataset,
    *,
    open_test: bool = True,
    runs_root: str | Path = "runs",
    threads: int | None = None,
    report: Report | None = None,
) -> Findings:
    """Check a data set for duplicates, leaks, likely label errors, outliers and class imbalance.

    Args:
        data: The data set.
        open_test: Whether to include the test images, to find copies of them among the training images and their
            likely label errors. This opens the sealed test set, which is counted.
        runs_root: The folder of the runs, where the opening is counted. Runs there that were judged on these test
            images are scored again without the suspect images.
        threads: Number of threads of the probe networks; every core by default.
        report: Called with the name of each stage before it starts.

    Returns:
        The findings.

    Raises:
        DataError: If the files of the test split changed after the data set was loaded.
        RunError: If the opening of the test set cannot be recorded; the test set then stays sealed.
    """
    started = time.perf_counter()
    announce = report or (lambda _: None)
    announce("checking every image")
    findings = [*_unreadable(data), *imbalance(data), *size_outliers(data), *brightness_outliers(data)]
    announce("comparing the images with each other")
    small = replace(data, images=thumbnails(data.images))
    duplicates = DuplicateSearch(data, small.images)
    findings += duplicates.findings()
    announce("training a probe network on five folds")
    enough = len(data.images) >= _MIN_IMAGES_FOR_LABEL_ERRORS
    probe = cross_validate(small, duplicates.groups, threads) if enough else None
    opened, leaks = None, []
    if open_test:
        announce("comparing with the test images, which are opened for it")
        opened = open_sealed(data, runs_root, by="doctor")
        leaks = duplicates.leaks(opened)
        findings += leaks
    if probe is not None and probe.is_reliable(data.labels):
        findings += label_errors(data, probe, opened, {leak.pictures[0].index for leak in leaks})
    return Findings(
        name=data.name,
        fingerprint=data.fingerprint,
        images=len(data.images),
        test_images=len(opened.labels) if opened else 0,
        opening=opened.opening if opened else None,
        probe_accuracy=probe.accuracy(data.labels) if probe else None,
        findings=tuple(sorted(findings, key=_rank)),
        rescored_runs=_rescore(findings, opened, runs_root),
        notes=tuple(_notes(data, duplicates, probe, opened, len(leaks))),
        seconds=time.perf_counter() - started,
    )


def _unreadable(data: Dataset) -> list[Finding]:
    return [Finding("unreadable", f"{file.file}: {file.reason}", 1.0) for file in data.skipped]


def _rank(finding: Finding) -> tuple[int, float]:
    """Return the sort key of a finding: severe kinds first, then high scores."""
    return list(KINDS).index(finding.kind), -finding.score


def _rescore(
    findings: Sequence[Finding], opened: OpenedTest | None, runs_root: str | Path
) -> tuple[RescoredRun, ...]:
    """Score the judged runs of the opened test set again without its suspect images."""
    if opened is None:
        return ()
    return rescore_runs(Path(runs_root), opened.fingerprint, suspect_test_images(findings))


def _notes(
    data: Dataset,
    duplicates: DuplicateSearch,
    probe: CrossValidation | None,
    opened: OpenedTest | None,
    leaks: int,
) -> list[str]:
    """List the checks that were skipped, each with the reason."""
    notes = []
    if opened is None:
        notes.append("The test images stayed sealed, so they were not checked for leaks and label errors.")
    if duplicates.skip_reason:
        notes.append(f"The check for near duplicates was skipped: {duplicates.skip_reason}")
    if probe is None:
        notes.append(
            f"The check for label errors was skipped: there are {len(data.images)} training images, expected at least"
            f" {_MIN_IMAGES_FOR_LABEL_ERRORS} to train a probe network."
        )
    elif not probe.is_reliable(data.labels):
        notes.append(
            "The check for label errors was skipped: the probe networks classify only"
            f" {probe.accuracy(data.labels):.0%} of held-out training images correctly, which is too few to find"
            " wrong labels."
        )
    elif leaks:
        notes.append(
            f"The leaked test images ({leaks:,}) were not checked for label errors: the probe networks were trained on"
            " copies of them."
        )
    return notes
