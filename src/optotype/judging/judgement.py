"""Judgement: the scores of a model with intervals, checks of its uncertainty, and diagnoses.

All values are plain, so a judgement is saved in its run folder as JSON and can be read again. The images and
predictions that it was computed from are its Evidence: in memory only, for the report.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, JsonValue, with_config

from optotype.data.openings import Opening
from optotype.diagnosis.diagnosis import Diagnosis
from optotype.errors import DataError
from optotype.metrics import Estimate
from optotype.runs.predictions import Predictions

FORMAT: Final = 3
"""Version of judgement.json. `judgement_formats` lists the older ones."""


@dataclass(frozen=True)
class ClassScore:
    """The score of one class.

    Attributes:
        name: The class.
        n: Images with this label.
        predicted: Images predicted as this class.
        precision: Share of ``predicted`` that have this label (Wilson); None without predictions.
        recall: Share of ``n`` that are predicted as this class (Wilson); None without images.
        f1: Harmonic mean of precision and recall (bootstrap); None if either is None.
    """

    name: str
    n: int
    predicted: int
    precision: Estimate | None
    recall: Estimate | None
    f1: Estimate | None


@dataclass(frozen=True)
class Score:
    """The score of a model on some images, with 95 % intervals.

    Attributes:
        n: Number of images.
        accuracy: Share of images classified correctly (Wilson).
        top3: Share whose label is among the three most probable classes (Wilson); None with three classes or fewer.
        log_loss: Mean cross-entropy in nats of the probabilities before calibration, as in training (bootstrap).
        precision: Mean over the classes (bootstrap).
        recall: Mean over the classes (bootstrap).
        f1: Mean over the classes (bootstrap).
        balanced_accuracy: Mean recall over the classes that have images (bootstrap).
        kappa: Cohen's kappa (bootstrap).
        classes: One score per class, in the model's order.
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
    """Images whose confidence lies in an interval.

    Attributes:
        low: Lower end of the interval.
        high: Upper end of the interval.
        n: Number of images.
        confidence: Their mean confidence, the probability of the predicted class.
        accuracy: Share of them classified correctly (Wilson).
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: Estimate


@dataclass(frozen=True)
class Reliability:
    """How well probabilities match frequencies.

    Attributes:
        ece: Expected calibration error, in 0 .. 1 (bootstrap).
        log_loss: Mean cross-entropy in nats (bootstrap).
        bins: The bins that contain images, by increasing confidence.
    """

    ece: Estimate
    log_loss: Estimate
    bins: tuple[Bin, ...]


@dataclass(frozen=True)
class CalibrationCheck:
    """The effect of the model's temperature on the judged images.

    Attributes:
        temperature: The number that divides the logits.
        n: Validation images that the temperature was fitted on.
        before: Reliability without the temperature.
        after: Reliability with the temperature.
    """

    temperature: float
    n: int
    before: Reliability
    after: Reliability


@dataclass(frozen=True)
class LabelSets:
    """Coverage and size of the model's label sets.

    Attributes:
        target_coverage: The coverage that the label sets are built for.
        coverage: Share of the judged images whose label set contains the label (Wilson).
        singleton_rate: Share of the judged images whose label set is one class (Wilson).
        mean_size: Mean number of classes in a label set.
        max_size: Number of classes in the largest label set.
    """

    target_coverage: float
    coverage: Estimate
    singleton_rate: Estimate
    mean_size: float
    max_size: int


@dataclass(frozen=True)
class NoveltyCheck:
    """How many of the judged images the model rejects as unlike its training images.

    Attributes:
        target_rate: Share of the validation images beyond the threshold.
        rate: Share of the judged images beyond the threshold (Wilson).
    """

    target_rate: float
    rate: Estimate


@dataclass(frozen=True)
class Baseline:
    """The accuracy of a simple classifier on the same images.

    Attributes:
        name: The name of the classifier.
        trained_on: Training images that it was fitted on.
        accuracy: On ``n`` of the judged images (Wilson).
        n: How many of the judged images it predicted.
    """

    name: str
    trained_on: int
    accuracy: Estimate
    n: int


@dataclass(frozen=True)
class RobustnessCurve:
    """Accuracy on images that are changed more and more.

    Attributes:
        change: How the images are changed.
        unit: The unit of the levels.
        levels: The strength of the change, increasing; the first level is no change.
        accuracy: Accuracy at each level (Wilson).
        n: Images at each level.
    """

    change: str
    unit: str
    levels: tuple[float, ...]
    accuracy: tuple[Estimate, ...]
    n: int


@dataclass(frozen=True, eq=False)
class Evidence:
    """The data of a judgement. The keys of every mapping are the judgement's splits that have images.

    Attributes:
        predictions: The model's predictions.
        images: uint8 of shape (m, height, width, channels); ``predictions[...].indices`` are row numbers of it.
        files: The name of each image file; None if the images have no files.
    """

    predictions: Mapping[str, Predictions]
    images: Mapping[str, NDArray[np.uint8]]
    files: Mapping[str, tuple[str, ...] | None]


@with_config(ConfigDict(arbitrary_types_allowed=True, allow_inf_nan=False))
@dataclass(frozen=True)
class Judgement:
    """The evaluation of a run or a model.

    Attributes:
        target: The name of the judged run or model.
        data: The name of the data set that it was judged on.
        on: The split that the verdict is about: "test", or "new" for images that are not from the model's data set.
        splits: Scores of "train", "validation" (None if no image was set aside) and "test"; or of "new" alone.
        calibration: Calibration on the split ``on``; None if the model has no temperature.
        label_sets: Label sets on the split ``on``; None if the model has no temperature.
        novelty: Novelty detection on the split ``on``; None if the model has no novelty detector.
        baselines: Simple classifiers on the same images; empty on new images.
        robustness: Robustness curves, if they were requested.
        diagnoses: Faults and possible improvements, the most severe first.
        notes: Sentences on what limits the scores.
        openings: Every opening of this test set, this one last; empty if none was opened.
        test_fingerprint: Fingerprint of the opened test set; empty if none was opened.
        evidence: The data that it was computed from; None if it was read from a file.
    """

    target: str
    data: str
    on: Literal["test", "new"]
    splits: Mapping[str, Score | None]
    calibration: CalibrationCheck | None = None
    label_sets: LabelSets | None = None
    novelty: NoveltyCheck | None = None
    baselines: tuple[Baseline, ...] = ()
    robustness: tuple[RobustnessCurve, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    notes: tuple[str, ...] = ()
    openings: tuple[Opening, ...] = ()
    test_fingerprint: str = ""
    evidence: Evidence | None = field(default=None, repr=False, compare=False)

    @property
    def opening(self) -> int:
        """The number of openings of this test set, this one included; 0 if none was opened."""
        return len(self.openings)

    @property
    def score(self) -> Score:
        """The score that the verdict is about."""
        score = self.splits.get(self.on)
        if score is None:
            raise DataError(f"The judgement has no {self.on} score, expected one. Judge the run again.")
        return score

    @property
    def predictions(self) -> Mapping[str, Predictions]:
        """The model's predictions of each split; empty if the judgement was read from a file."""
        return self.evidence.predictions if self.evidence else {}

    def to_json(self) -> dict[str, JsonValue]:
        """Return the judgement as JSON values, without the evidence."""
        values = asdict(replace(self, evidence=None))
        del values["evidence"]
        return {"format": FORMAT, **values, "opening": self.opening}

    def _repr_html_(self) -> str:
        """Return the judgement as HTML for a notebook."""
        from optotype.reporting.notebook import display_judgement  # noqa: PLC0415 - only notebooks need it

        return display_judgement(self)

    def __str__(self) -> str:
        test_set = "this test set" if self.on == "test" else "their test split"
        opening = f", opening {self.opening} of {test_set}" if self.openings else ""
        return f"{self.score}{opening}"
