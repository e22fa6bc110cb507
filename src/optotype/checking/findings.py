"""What the doctor found: findings of a few kinds, gravest kind first, worst finding first, and a verdict in words."""

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
class About:
    """What a kind of finding is.

    Attributes:
        title: A heading.
        one: One such finding, in words.
        many: Several of them.
        severe: Whether a training or a judgement would mislead.
    """

    title: str
    one: str
    many: str
    severe: bool = False


KINDS: Final[Mapping[Kind, About]] = {
    "unreadable": About("Unreadable files", "unreadable file", "unreadable files", severe=True),
    "leak": About(
        "Leaks: one image in two splits",
        "image leaked across splits",
        "images leaked across splits",
        severe=True,
    ),
    "conflict": About(
        "One image under two labels", "image under two labels", "images under two labels", severe=True
    ),
    "duplicate": About("Exact duplicates", "group of exact duplicates", "groups of exact duplicates"),
    "near_duplicate": About("Near duplicates", "group of near duplicates", "groups of near duplicates"),
    "label_error": About("Likely label errors", "likely label error", "likely label errors"),
    "size": About(
        "Outliers in size or shape of the files",
        "outlier in size or shape",
        "outliers in size or shape",
    ),
    "brightness": About(
        "Outliers in brightness or contrast",
        "outlier in brightness or contrast",
        "outliers in brightness or contrast",
    ),
    "imbalance": About("Class imbalance", "imbalance between classes", "imbalances between classes"),
}
"""Every kind, the gravest first."""

SPLITS: Final[Mapping[Split, str]] = {"train": "training", "validation": "validation", "test": "test"}
"""Every split, in words."""


@dataclass(frozen=True, eq=False)
class Picture:
    """An image of the data set.

    Attributes:
        split: One of SPLITS; "validation" for what the source itself sets aside, not for what a recipe carves out.
        index: Its place among the test images, or among the training and validation images together.
        label: The name of the class it is labelled as.
        file: Its name relative to the source; None where images have no files.
        image: uint8 of shape (height, width, channels).
    """

    split: Split
    index: int
    label: str
    file: str | None
    image: NDArray[np.uint8] = field(repr=False)

    def to_json(self) -> dict[str, JsonValue]:
        """Give all but the pixels as JSON values."""
        return {"split": self.split, "index": self.index, "label": self.label, "file": self.file}


@dataclass(frozen=True, eq=False)
class Finding:
    """One thing that may be wrong.

    Attributes:
        kind: One of KINDS.
        message: What is the matter, in a sentence.
        badness: How bad, to be compared within the kind; larger is worse.
        pictures: The images in question; none for a file that cannot be read or for classes as a whole.
    """

    kind: Kind
    message: str
    badness: float
    pictures: tuple[Picture, ...] = ()

    def to_json(self) -> dict[str, JsonValue]:
        """Give the finding as JSON values."""
        return {
            "message": self.message,
            "badness": self.badness,
            "pictures": [picture.to_json() for picture in self.pictures],
        }


@dataclass(frozen=True)
class Doubted:
    """A judged run, with and without the test images that are in doubt.

    Images are in doubt that a net finds hard, and to leave them out raises the accuracy of most other nets. So the two
    are not a wrong and a right figure: the true one lies between them.

    Attributes:
        run: Name of the run.
        n: Images that it was judged on.
        accuracy: On all of them (Wilson).
        left: Images that are in no doubt.
        without: Accuracy on those (Wilson).
    """

    run: str
    n: int
    accuracy: Estimate
    left: int
    without: Estimate

    def __str__(self) -> str:
        return (
            f"{self.run}: accuracy {self.accuracy}, n = {self.n:,}; without the images in doubt {self.without},"
            f" n = {self.left:,}"
        )


@dataclass(frozen=True, eq=False)
class Findings:
    """All that a check found.

    Attributes:
        name: Of the data set.
        fingerprint: Of its training images, labels and class names.
        images: How many training images were looked at.
        test_images: How many test images were looked at; 0 where the test split stayed sealed.
        opening: How many times that test set has been opened, this time included; None where it stayed sealed.
        net_accuracy: Share of the training images that the quick net, trained without them, classified as they are
            labelled; None where no net was trained.
        findings: The gravest kind first, within a kind the worst first.
        notes: What was not looked at, and why.
        seconds: How long the check took.
        doubted: The judged runs of this test set with and without the test images in doubt, the newest first.
    """

    name: str
    fingerprint: str
    images: int
    test_images: int
    opening: int | None
    net_accuracy: float | None
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    seconds: float
    doubted: tuple[Doubted, ...] = ()

    def of(self, kind: Kind) -> tuple[Finding, ...]:
        """List the findings of one kind, the worst first."""
        return tuple(finding for finding in self.findings if finding.kind == kind)

    @property
    def verdict(self) -> str:
        """What it comes to, in words."""
        severe = self._counted(severe=True)
        rest = self._counted(severe=False)
        looked = f"{self.images:,} training images"
        if self.test_images:
            looked += f" and {self.test_images:,} test images"
        if not severe and not rest:
            return f"Nothing was found in {looked}."
        if not severe:
            return f"Worth a look, in {looked}: {rest}. None of it stands in the way of a training."
        return f"To be mended first, in {looked}: {severe}." + (f" Worth a look: {rest}." if rest else "")

    def to_json(self) -> dict[str, JsonValue]:
        """Give the findings as JSON values; every kind is there, also one of which nothing was found."""
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "images": self.images,
            "test_images": self.test_images,
            "opening": self.opening,
            "net_accuracy": self.net_accuracy,
            "verdict": self.verdict,
            "notes": list(self.notes),
            "doubted": [asdict(each) for each in self.doubted],
            "seconds": round(self.seconds, 1),
            "findings": {kind: [finding.to_json() for finding in self.of(kind)] for kind in KINDS},
        }

    def __str__(self) -> str:
        return self.verdict

    def _counted(self, *, severe: bool) -> str:
        counts = {kind: len(self.of(kind)) for kind, about in KINDS.items() if about.severe == severe}
        words = {kind: KINDS[kind].one if n == 1 else KINDS[kind].many for kind, n in counts.items()}
        return ", ".join(f"{n:,} {words[kind]}" for kind, n in counts.items() if n)
