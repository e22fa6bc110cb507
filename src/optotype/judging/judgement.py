"""What a judgement is made of: scores with intervals, what the model's own doubts are worth, and what is wrong.

Everything here is plain values, so that a judgement is kept in its run folder as JSON and read again from it. What it
was made from, images and predictions, is the Evidence: in memory only, for the report.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, JsonValue, TypeAdapter, ValidationError, with_config

from optotype.data.sealed import Opening
from optotype.errors import DataError, RunError
from optotype.metrics import Estimate
from optotype.runs.predictions import Predictions

FORMAT: Final = 2
"""Version of judgement.json; the first had neither a number nor more than accuracy and loss."""


@dataclass(frozen=True)
class ClassScore:
    """How a model did on one class.

    Attributes:
        name: The class.
        n: Images that are labelled so.
        predicted: Images that were taken for it.
        precision: Share of ``predicted`` that are of the class (Wilson); None where there are none.
        recall: Share of ``n`` that were taken for it (Wilson); None where there are none.
        f1: Harmonic mean of the two (bootstrap); None where either is None.
    """

    name: str
    n: int
    predicted: int
    precision: Estimate | None
    recall: Estimate | None
    f1: Estimate | None


@dataclass(frozen=True)
class Score:
    """How a model did on some images; intervals at 95 %.

    Attributes:
        n: Number of images.
        accuracy: Share classified right (Wilson).
        top3: Share whose label is among the three most probable classes (Wilson); None with three classes or fewer.
        log_loss: Mean cross-entropy in nats of the probabilities before calibration, as in training (bootstrap).
        precision: Mean over the classes (bootstrap), as are the next three.
        recall: Mean over the classes.
        f1: Mean over the classes.
        balanced_accuracy: Mean recall over the classes that have images.
        kappa: Cohen's (bootstrap).
        classes: One score a class, in the model's order.
        confusion: Number of images by label (row) and predicted class (column).
    """

    n: int
    accuracy: Estimate
    top3: Estimate | None
    log_loss: Estimate
    precision: Estimate
    recall: Estimate
    f1: Estimate
    balanced_accuracy: Estimate
    kappa: Estimate
    classes: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]

    def __str__(self) -> str:
        return f"accuracy {self.accuracy}, n = {self.n:,}"


@dataclass(frozen=True)
class Bin:
    """Images whose most probable class has a probability in an interval.

    Attributes:
        low: Its lower end.
        high: Its upper end.
        n: How many.
        confidence: Their mean probability.
        accuracy: Share of them classified right (Wilson).
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: Estimate


@dataclass(frozen=True)
class Reliability:
    """Whether probabilities mean what they say.

    Attributes:
        ece: Expected calibration error, in 0 .. 1 (bootstrap).
        log_loss: Mean cross-entropy in nats (bootstrap).
        bins: Those that hold an image, by rising probability.
    """

    ece: Estimate
    log_loss: Estimate
    bins: tuple[Bin, ...]


@dataclass(frozen=True)
class CalibrationCheck:
    """What the temperature that is stored in the model does on the judged images.

    Attributes:
        temperature: What logits are divided by.
        n: Validation images that it was fitted on.
        before: Without it.
        after: With it.
    """

    temperature: float
    n: int
    before: Reliability
    after: Reliability


@dataclass(frozen=True)
class LabelSets:
    """Whether the model's label sets hold the truth as often as they promise.

    Attributes:
        asked: The share that they promise.
        coverage: Share of the judged images whose set holds their label (Wilson).
        single: Share whose set is one class (Wilson).
        mean_size: Classes in a set, on average.
        largest: Classes in the largest set.
    """

    asked: float
    coverage: Estimate
    single: Estimate
    mean_size: float
    largest: int


@dataclass(frozen=True)
class NoveltyCheck:
    """How many of the judged images the model calls unlike what it was trained on.

    Attributes:
        asked: The share of validation images that the threshold rejects.
        rejected: The share of the judged images (Wilson).
    """

    asked: float
    rejected: Estimate


@dataclass(frozen=True)
class Baseline:
    """What something much simpler comes to on the same images.

    Attributes:
        name: What it is.
        trained_on: Training images that it saw.
        accuracy: On the judged images, or on ``n`` of them (Wilson).
        n: How many of the judged images it was asked about.
    """

    name: str
    trained_on: int
    accuracy: Estimate
    n: int


@dataclass(frozen=True)
class RobustnessCurve:
    """Accuracy on images that are changed more and more.

    Attributes:
        change: What is done to them.
        unit: Of the levels.
        levels: How much, rising; the first is no change.
        accuracy: At each level (Wilson).
        n: Images at each level.
    """

    change: str
    unit: str
    levels: tuple[float, ...]
    accuracy: tuple[Estimate, ...]
    n: int


@dataclass(frozen=True)
class Diagnosis:
    """Something that is wrong, or could be better, in plain words.

    Attributes:
        kind: What, as a short name.
        message: One sentence.
        evidence: The numbers that it rests on.
        advice: What to try next, with a command where there is one.
        severe: Whether the result misleads while it is so.
    """

    kind: str
    message: str
    evidence: str
    advice: str
    severe: bool = False


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a judgement was made from; every mapping has those of the judgement's splits as keys that have images.

    Attributes:
        predictions: What the model said of each image.
        images: uint8 of shape (m, height, width, channels), into which ``predictions[...].indices`` point.
        files: The name of each of those images; None where images have no files.
    """

    predictions: Mapping[str, Predictions]
    images: Mapping[str, NDArray[np.uint8]]
    files: Mapping[str, tuple[str, ...] | None]


@with_config(ConfigDict(arbitrary_types_allowed=True, allow_inf_nan=False))
@dataclass(frozen=True)
class Judgement:
    """What a judgement came to.

    Attributes:
        target: The run or model that was judged.
        data: What it was judged on.
        on: The split that the verdict is about: "test", or "new" for pictures that the training did not know of.
        splits: Scores of "train", "validation" (None where no image was set aside) and "test"; or of "new" alone.
        calibration: How good the model's probabilities are on ``on``; None where it stores no temperature.
        label_sets: Likewise its label sets.
        unfamiliar: Likewise its rejection score.
        baselines: Simpler classifiers on the same images; none on new pictures.
        robustness: Curves, where they were asked for.
        diagnoses: What is wrong or could be better, the gravest first.
        notes: What a careful reader must know beside that, in sentences.
        openings: Every opening of this test set, this one last; none where none was opened.
        test_fingerprint: Which test set that is; empty where none was opened.
    """

    target: str
    data: str
    on: Literal["test", "new"]
    splits: Mapping[str, Score | None]
    calibration: CalibrationCheck | None = None
    label_sets: LabelSets | None = None
    unfamiliar: NoveltyCheck | None = None
    baselines: tuple[Baseline, ...] = ()
    robustness: tuple[RobustnessCurve, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    notes: tuple[str, ...] = ()
    openings: tuple[Opening, ...] = ()
    test_fingerprint: str = ""
    evidence: Evidence | None = field(default=None, repr=False, compare=False)

    @property
    def opening(self) -> int:
        """How many times this test set has been opened, this time included; 0 where none was opened."""
        return len(self.openings)

    @property
    def score(self) -> Score:
        """The score that the verdict is about."""
        score = self.splits.get(self.on)
        if score is None:
            raise DataError(f"A judgement has no {self.on} score, expected one. Judge the run again.")
        return score

    @property
    def predictions(self) -> Mapping[str, Predictions]:
        """What the model said of the images of each split; empty where the judgement was read from a file."""
        return self.evidence.predictions if self.evidence else {}

    def to_json(self) -> dict[str, JsonValue]:
        """Give the judgement as JSON values, without the evidence."""
        values = asdict(replace(self, evidence=None))
        del values["evidence"]
        return {"format": FORMAT, **values, "opening": self.opening}

    def _repr_html_(self) -> str:
        """Show the judgement in a notebook."""
        from optotype.reporting.notebook import display_judgement  # noqa: PLC0415 - only notebooks need it

        return display_judgement(self)

    def __str__(self) -> str:
        which = "this test set" if self.on == "test" else "their test split"
        opening = f", opening {self.opening} of {which}" if self.openings else ""
        return f"{self.score}{opening}"


_JUDGEMENT: Final = TypeAdapter(Judgement)


def read_judgement(kept: Mapping[str, JsonValue]) -> Judgement:
    """Read what ``Judgement.to_json`` gave.

    Raises:
        RunError: It is something else, or was made by another version.
    """
    version = kept.get("format")
    if version != FORMAT:
        raise RunError(f"The judgement has format {version}, expected {FORMAT}. Judge the run again.")
    values = {name: value for name, value in kept.items() if name not in ("format", "opening", "evidence")}
    try:
        judgement = _JUDGEMENT.validate_python(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise _wrong(where, first["msg"]) from None
    if judgement.splits.get(judgement.on) is None:
        raise _wrong(f"splits.{judgement.on}", "it is missing")
    return judgement


def _wrong(where: str, why: str) -> RunError:
    return RunError(
        f"The judgement has a wrong {where!r} ({why}), expected it as optotype wrote it. Judge the run again."
    )
