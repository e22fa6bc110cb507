"""check: one examination of a data set, to read straight down.

The test split is opened last, when nothing is left to do but to compare with it: an opening is counted, and must not
be spent on a mistake. Nothing is trained on it or chosen by it.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from optotype.checking.duplicates import Copies
from optotype.checking.findings import KINDS, Finding, Findings
from optotype.checking.imbalance import imbalance
from optotype.checking.label_errors import label_errors
from optotype.checking.outliers import brightness_outliers, size_outliers
from optotype.checking.quick_net import OutOfFold, out_of_fold
from optotype.checking.rescoring import doubted_runs, in_doubt
from optotype.checking.thumbnails import thumbnails
from optotype.data.dataset import Dataset
from optotype.data.sealed import OpenedTest
from optotype.data.sealed import open_test as open_sealed

Report = Callable[[str], object]

_FEWEST_TO_LEARN_FROM: Final = 100


def check(
    data: Dataset,
    *,
    open_test: bool = True,
    runs_root: str | Path = "runs",
    threads: int | None = None,
    report: Report | None = None,
) -> Findings:
    """Look for trouble in a data set: copies, leaks, labels that are likely wrong, outliers, imbalance.

    Args:
        data: The data set.
        open_test: Whether to look at the test images too: for copies of them among the training images, and for likely
            label errors. This opens the sealed test split, which is counted.
        runs_root: The folder of the runs, where the opening is counted; those that were judged on these test images are
            scored again without the ones in doubt.
        threads: For the quick net; by default every core.
        report: Called with what is about to be done, in a few words.

    Returns:
        What was found.

    Raises:
        DataError: The files of the test split changed since the data set was loaded.
        RunError: The opening of the test split could not be written down; it stays closed.
    """
    started = time.perf_counter()
    say = report or (lambda _: None)
    say("looking at every picture")
    found = [*_unreadable(data), *imbalance(data), *size_outliers(data), *brightness_outliers(data)]
    say("comparing the pictures with one another")
    small = replace(data, images=thumbnails(data.images))
    copies = Copies(data, small.images)
    found += copies.findings()
    say("training a quick net on five parts in turn")
    nets = out_of_fold(small, copies.groups, threads) if len(data.images) >= _FEWEST_TO_LEARN_FROM else None
    opened, leaks = None, []
    if open_test:
        say("comparing them with the test images, which are unsealed for it")
        opened = open_sealed(data, runs_root, by="doctor")
        leaks = copies.leaks(opened)
        found += leaks
    if nets is not None and nets.know(data.labels):
        found += label_errors(data, nets, opened, {leak.pictures[0].index for leak in leaks})
    doubted = doubted_runs(Path(runs_root), opened.fingerprint, in_doubt(found)) if opened else ()
    gravity = {kind: place for place, kind in enumerate(KINDS)}
    return Findings(
        name=data.name,
        fingerprint=data.fingerprint,
        images=len(data.images),
        test_images=len(opened.labels) if opened else 0,
        opening=opened.opening if opened else None,
        net_accuracy=nets.accuracy(data.labels) if nets else None,
        findings=tuple(sorted(found, key=lambda each: (gravity[each.kind], -each.badness))),
        doubted=doubted,
        notes=tuple(_notes(data, copies, nets, opened, len(leaks))),
        seconds=time.perf_counter() - started,
    )


def _unreadable(data: Dataset) -> list[Finding]:
    return [Finding("unreadable", f"{each.file}: {each.reason}", 1.0) for each in data.skipped]


def _notes(
    data: Dataset, copies: Copies, nets: OutOfFold | None, opened: OpenedTest | None, leaks: int
) -> list[str]:
    """Say what was not looked at, and why."""
    notes = []
    if opened is None:
        notes.append("The test images stayed sealed: leaks and label errors among them were not looked for.")
    if copies.too_little:
        notes.append(f"Near duplicates were not looked for: {copies.too_little}")
    if nets is None:
        notes.append(
            f"Label errors were not looked for: a net needs at least {_FEWEST_TO_LEARN_FROM} training images to learn"
            f" from, and there are {len(data.images)}."
        )
    elif not nets.know(data.labels):
        notes.append(
            "Label errors were not looked for: the quick net is right about"
            f" {nets.accuracy(data.labels):.0%} of the images that it did not train on, too few to doubt a label by."
        )
    elif leaks:
        notes.append(
            f"Label errors were not looked for among the leaked test images ({leaks:,}): the net saw copies of them."
        )
    return notes
