"""Judging a trained model: loss and accuracy on training, validation and the test images, which are unsealed for it.

Everything that can fail is done before the test split is opened: an opening is counted, and must not be spent on a
mistake. So the data are loaded again from where they came, the split is carved again, and both must be what the model
was trained on, bit for bit.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from optotype.data.dataset import Dataset
from optotype.data.sealed import open_test
from optotype.errors import DataError, RunError
from optotype.judging.origin import Origin, origin_of, reload
from optotype.metrics import accuracy, log_loss, wilson_interval
from optotype.models.model import Model
from optotype.runs.run import MODEL_FILE, Run, find_target

_AT_ONCE: Final = 10_000
"""Images that are copied into memory at a time."""


@dataclass(frozen=True)
class Score:
    """How a model did on some images.

    Attributes:
        n: Number of images.
        loss: Mean cross-entropy in nats.
        accuracy: Share of images classified right.
        low: Lower end of the accuracy's 95 % interval (Wilson, 1927).
        high: Its upper end.
    """

    n: int
    loss: float
    accuracy: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"accuracy {self.accuracy:.4f} [{self.low:.4f}, {self.high:.4f}], n = {self.n:,}"


@dataclass(frozen=True)
class Judgement:
    """What a judgement came to.

    Attributes:
        splits: Scores of "train", "validation" (None where no image was set aside) and "test".
        opening: How many times this test set has been opened, this time included.
        test_fingerprint: Which test set that is.
    """

    splits: Mapping[str, Score | None]
    opening: int
    test_fingerprint: str

    @property
    def test(self) -> Score:
        """The score on the test images."""
        score = self.splits["test"]
        if score is None:
            raise DataError("A judgement has no test score, expected one. Judge the run again.")
        return score

    def to_json(self) -> dict[str, JsonValue]:
        """Give the judgement as JSON values."""
        splits: dict[str, JsonValue] = {
            name: None if score is None else asdict(score) for name, score in self.splits.items()
        }
        return {"splits": splits, "opening": self.opening, "test_fingerprint": self.test_fingerprint}

    def __str__(self) -> str:
        return f"{self.test}, opening {self.opening} of this test set"


def judge(
    target: Run | Model | str | Path, *, data: Dataset | None = None, runs_root: str | Path | None = None
) -> Judgement:
    """Judge a finished run or its model; this opens the sealed test split, which is counted.

    Args:
        target: A run, a model, or the path of either. A run's judgement is also kept in its folder, and so is that of
            its model file.
        data: What the model was trained on, where that was in memory; by default it is loaded from where it came.
            Its fingerprints must be those of the training.
        runs_root: Folder whose test-openings.jsonl counts the opening; by default the one that holds the run, or
            runs/ in the working folder for a model that is in no run folder.

    Returns:
        Loss and accuracy on training, validation and test images.

    Raises:
        RunError: The run or the model's training did not end well, or the opening cannot be written down.
        ModelError: The model file is damaged, or does not say what it was trained on.
        DataError: The data are gone, were in memory and not given, or are no longer what the model was trained on.
    """
    found = _find(target) if isinstance(target, str | Path) else target
    if isinstance(found, Model):
        return _judge(found, origin_of(found), data, Path(runs_root or "runs"))
    found.require_finished()
    origin = Origin(found.data, found.split.fingerprint, found.name)
    judgement = _judge(found.model, origin, data, Path(runs_root or found.path.resolve().parent))
    found.write_judgement(judgement.to_json())
    return judgement


def _find(path: str | Path) -> Run | Model:
    """Open a run folder or a model file; the model file of a run stands for its run."""
    found = find_target(path)
    if isinstance(found, Model) and Path(path).name == MODEL_FILE:
        with suppress(RunError):
            return Run.open(Path(path).parent)
    return found


def _judge(model: Model, origin: Origin, given: Dataset | None, runs_root: Path) -> Judgement:
    data, split = reload(origin, model.recipe, given)
    scores: dict[str, Score | None] = {
        "train": _score(model, data.images, data.labels, split.train),
        "validation": _score(model, data.images, data.labels, split.validation),
    }
    opened = open_test(data, runs_root, by=f"judge {origin.name}")
    scores["test"] = _score(model, opened.images, opened.labels, np.arange(len(opened.labels)))
    return Judgement(scores, opened.opening, opened.fingerprint)


def _score(
    model: Model, images: NDArray[np.uint8], labels: NDArray[np.int64], rows: NDArray[np.int64]
) -> Score | None:
    """Score a model on some images; None where there are none."""
    n = len(rows)
    if n == 0:
        return None
    # Picked bit by bit: the images may be mapped from a file larger than the memory.
    pieces = [rows[start : start + _AT_ONCE] for start in range(0, n, _AT_ONCE)]
    logits = np.concatenate([model.logits(images[piece]) for piece in pieces])
    share = accuracy(logits, labels[rows])
    return Score(n, log_loss(logits, labels[rows]), share, *wilson_interval(round(share * n), n))
