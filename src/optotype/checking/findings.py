"""Findings of the data doctor: most severe kind first, worst finding first, with a verdict in one sentence."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from optotype.metrics import Estimate

Kind = Literal[
    "unreadable",
    "leak",
    "conflict",
    "duplicate",
    "near_duplicate",
    "label_error",
    "size",
    "brightness",
    "imbalance",
]
Split = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class KindInfo:
    """The names of a kind of finding.

    Attributes:
        title: A heading.
        singular: One such finding, in words.
        plural: Several of them.
        severe: Whether the finding makes the result of a training or a judgement misleading.
    """

    title: str
    singular: str
    plural: str
    severe: bool = False


KINDS: Final[Mapping[Kind, KindInfo]] = {
    "unreadable": KindInfo("Unreadable files", "unreadable file", "unreadable files", severe=True),
    "leak": KindInfo(
        "Leaks: the same image in two splits",
        "image leaked across splits",
        "images leaked across splits",
        severe=True,
    ),
    "conflict": KindInfo(
        "The same image with two labels", "image with two labels", "images with two labels", severe=True
    ),
    "duplicate": KindInfo("Exact duplicates", "group of exact duplicates", "groups of exact duplicates"),
    "near_duplicate": KindInfo("Near duplicates", "group of near duplicates", "groups of near duplicates"),
    "label_error": KindInfo("Likely label errors", "likely label error", "likely label errors"),
    "size": KindInfo(
        "Outliers in size or shape of the files",
        "outlier in size or shape",
        "outliers in size or shape",
    ),
    "brightness": KindInfo(
        "Outliers in brightness or contrast",
        "outlier in brightness or contrast",
        "outliers in brightness or contrast",
    ),
    "imbalance": KindInfo("Class imbalance", "imbalanced class", "imbalanced classes"),
}
"""Every kind, most severe first."""

SPLITS: Final[Mapping[Split, str]] = {"train": "training", "validation": "validation", "test": "test"}
"""Every split with its name in sentences."""


@dataclass(frozen=True, eq=False)
class Picture:
    """An image of the data set.

    Attributes:
        split: One of SPLITS; "validation" for images that the source itself sets aside, not for those that a recipe
            sets aside.
        index: Its index among the test images, or among the training and validation images together.
        label: The name of the class of its label.
        file: Its file name relative to the source; None if images have no files.
        image: uint8 of shape (height, width, channels).
    """

    split: Split
    index: int
    label: str
    file: str | None
    image: NDArray[np.uint8] = field(repr=False)

    def to_json(self) -> dict[str, JsonValue]:
        """Return everything but the pixels as JSON values."""
        return {"split": self.split, "index": self.index, "label": self.label, "file": self.file}


@dataclass(frozen=True, eq=False)
class Finding:
    """One likely fault of the data.

    Attributes:
        kind: One of KINDS.
        message: The fault, in one sentence.
        score: How bad the fault is; larger is worse. Scores of different kinds are not comparable.
        pictures: The images concerned; none for an unreadable file or for a class.
    """

    kind: Kind
    message: str
    score: float
    pictures: tuple[Picture, ...] = ()

    def to_json(self) -> dict[str, JsonValue]:
        """Return the finding as JSON values."""
        return {
            "message": self.message,
            "score": self.score,
            "pictures": [picture.to_json() for picture in self.pictures],
        }


@dataclass(frozen=True)
class RescoredRun:
    """A judged run, scored with and without the suspect test images.

    Suspect images are images that a network finds hard, so leaving them out raises the accuracy of most networks.
    Neither value is therefore the correct one: the true accuracy lies between them.

    Attributes:
        run: Name of the run.
        n: Number of test images that it was judged on.
        accuracy: Accuracy on all of them (Wilson).
        remaining: Number of test images that are not suspect.
        accuracy_without: Accuracy on the remaining images (Wilson).
    """

    run: str
    n: int
    accuracy: Estimate
    remaining: int
    accuracy_without: Estimate

    def __str__(self) -> str:
        return (
            f"{self.run}: accuracy {self.accuracy}, n = {self.n:,}; without suspect images {self.accuracy_without},"
            f" n = {self.remaining:,}"
        )


@dataclass(frozen=True, eq=False)
class Findings:
    """The result of a check.

    Attributes:
        name: The name of the data set.
        fingerprint: The fingerprint of its training images, labels and class names.
        images: Number of training images that were checked.
        test_images: Number of test images that were checked; 0 if the test set stayed sealed.
        opening: How many times this test set has been opened, including this time; None if it stayed sealed.
        probe_accuracy: Cross-validated accuracy of the probe networks on the training images; None if none was trained.
        findings: The findings, most severe kind first, within a kind the worst first.
        notes: The checks that were skipped, each with the reason.
        seconds: Duration of the check.
        rescored_runs: The judged runs of this test set with and without the suspect test images, newest first.
    """

    name: str
    fingerprint: str
    images: int
    test_images: int
    opening: int | None
    probe_accuracy: float | None
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    seconds: float
    rescored_runs: tuple[RescoredRun, ...] = ()

    def of(self, kind: Kind) -> tuple[Finding, ...]:
        """Return the findings of one kind, the worst first."""
        return tuple(finding for finding in self.findings if finding.kind == kind)

    @property
    def verdict(self) -> str:
        """The result in one or two sentences."""
        severe = self._count_kinds(severe=True)
        minor = self._count_kinds(severe=False)
        checked = f"{self.images:,} training images"
        if self.test_images:
            checked += f" and {self.test_images:,} test images"
        if not severe and not minor:
            return f"No faults found in {checked}."
        if not severe:
            return f"Worth a look in {checked}: {minor}. None of these prevents training."
        return f"Fix first in {checked}: {severe}." + (f" Worth a look: {minor}." if minor else "")

    def to_json(self) -> dict[str, JsonValue]:
        """Return the findings as JSON values; kinds without findings have an empty list."""
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "images": self.images,
            "test_images": self.test_images,
            "opening": self.opening,
            "probe_accuracy": self.probe_accuracy,
            "verdict": self.verdict,
            "notes": list(self.notes),
            "rescored_runs": [asdict(run) for run in self.rescored_runs],
            "seconds": round(self.seconds, 1),
            "findings": {kind: [finding.to_json() for finding in self.of(kind)] for kind in KINDS},
        }

    def __str__(self) -> str:
        return self.verdict

    def _count_kinds(self, *, severe: bool) -> str:
        """Return the number of findings of each severe, or of each other, kind in words."""
        counts = {kind: len(self.of(kind)) for kind, info in KINDS.items() if info.severe == severe}
        names = {kind: KINDS[kind].singular if n == 1 else KINDS[kind].plural for kind, n in counts.items()}
        return ", ".join(f"{n:,} {names[kind]}" for kind, n in counts.items() if n)
