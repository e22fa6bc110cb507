"""`python -m reproduce.coverage`: how often the intervals of a judgement contain the true value, by simulation.

Sets of images with known true scores are simulated; 95 of 100 intervals should contain the true score. What is missing
in results/coverage.json is simulated, and RESULTS.md is rendered.
"""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.metrics import log_loss, log_loss_per_image, softmax, wilson_interval
from optotype.metrics.bootstrap import mean_estimate
from optotype.metrics.calibration import bin_by_confidence, expected_calibration_error
from optotype.metrics.confusion import confusion_matrix, confusion_scores
from optotype.metrics.intervals import Estimate
from reproduce.results import FOLDER, Frozen, write

FILE: Final = "coverage.json"
ACCURACIES: Final = (0.5, 0.9, 0.98, 0.995, 0.999)
SIZES: Final = (30, 100, 300, 1_000, 10_000)
WILSON_SETS: Final = 20_000
"""Simulated sets for each accuracy."""
BOOTSTRAP_SETS: Final = 400
"""Simulated sets for the bootstrap intervals; half as many of the largest size."""
_CLASSES: Final = 10
_LOGIT_DEVIATION: Final = 20.0
"""Standard deviation of the simulated logits, which are normally distributed."""
_TEMPERATURE: Final = 1.2
"""Temperature of the simulated labels: the simulated classifier is overconfident by this factor."""
_MANY_IMAGES: Final = 1_000_000
"""Number of images whose scores serve as the true values."""

Images = tuple[NDArray[np.float64], NDArray[np.int64]]


class Row(Frozen):
    """The coverage for one number of images.

    Attributes:
        n: Images in a set.
        sets: Sets simulated for the bootstrap intervals.
        wilson: Share of the Wilson intervals that contain the true value, by accuracy.
        bootstrap: Share of the bootstrap intervals that contain the true value, by score.
    """

    n: int
    sets: int
    wilson: dict[float, float]
    bootstrap: dict[str, float]


class Coverage(Frozen):
    """The content of results/coverage.json."""

    rows: tuple[Row, ...] = ()


def main() -> None:
    """Simulate the sizes without a result, and render RESULTS.md."""
    from reproduce.render import write_page  # noqa: PLC0415 - it imports this module

    coverage = read(FOLDER)
    for n in SIZES:
        if all(row.n != n for row in coverage.rows):
            wilson = {
                accuracy: round(wilson_coverage(accuracy, n, WILSON_SETS), 4) for accuracy in ACCURACIES
            }
            sets = BOOTSTRAP_SETS // (1 + (n == max(SIZES)))
            bootstrap = {name: round(share, 3) for name, share in bootstrap_coverage(n, sets).items()}
            row = Row(n=n, sets=sets, wilson=wilson, bootstrap=bootstrap)
            coverage = Coverage(rows=(*coverage.rows, row))
            print(row, flush=True)
            write(coverage, FOLDER / FILE)
    write_page()


def wilson_coverage(accuracy: float, n: int, sets: int) -> float:
    """Return the share of simulated sets of n images in which Wilson's interval contains the true accuracy."""
    correct = np.random.default_rng(0).binomial(n, accuracy, sets)
    counts, times = np.unique(correct, return_counts=True)
    intervals = [wilson_interval(count, n) for count in counts.tolist()]
    contains = np.array([low <= accuracy <= high for low, high in intervals])
    return float((contains * times).sum() / sets)


def bootstrap_coverage(n: int, sets: int) -> dict[str, float]:
    """Return the share of simulated sets of n images in which each bootstrap interval contains the true value."""
    rng = np.random.default_rng(0)
    true_values = _values(*_simulate(_MANY_IMAGES, rng))
    counts = dict.fromkeys(true_values, 0)
    for _ in range(sets):
        for name, estimate in _estimates(*_simulate(n, rng)).items():
            counts[name] += estimate.low <= true_values[name] <= estimate.high
    return {name: count / sets for name, count in counts.items()}


def _simulate(n: int, rng: np.random.Generator) -> Images:
    """Simulate logits, and labels that are drawn from the calibrated probabilities."""
    logits = rng.normal(size=(n, _CLASSES)) * _LOGIT_DEVIATION
    cumulative = softmax(logits / _TEMPERATURE).cumsum(axis=1)
    return logits, (cumulative > rng.random((n, 1)) * cumulative[:, -1:]).argmax(axis=1)


def _estimates(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> dict[str, Estimate]:
    scores = confusion_scores(confusion_matrix(labels, logits.argmax(axis=1), _CLASSES))
    return {
        "macro F1": scores.f1,
        "kappa": scores.kappa,
        "log loss": mean_estimate(log_loss_per_image(logits, labels)),
        "calibration error": expected_calibration_error(softmax(logits), labels),
    }


def _values(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> dict[str, float]:
    """Return the scores of a set that is large enough for them to be taken as the true values."""
    scores = confusion_scores(confusion_matrix(labels, logits.argmax(axis=1), _CLASSES))
    binned = bin_by_confidence(softmax(logits), labels)
    gaps = np.bincount(binned.bins, weights=binned.confidence - binned.is_correct)
    return {
        "macro F1": scores.f1.value,
        "kappa": scores.kappa.value,
        "log loss": log_loss(logits, labels),
        "calibration error": float(np.abs(gaps).sum() / len(labels)),
    }


def read(folder: Path) -> Coverage:
    """Read the saved results."""
    file = folder / FILE
    return Coverage.model_validate_json(file.read_text(encoding="utf-8")) if file.exists() else Coverage()


def coverage_section(folder: Path) -> list[str]:
    """Return the section of RESULTS.md on intervals.

    Args:
        folder: The folder of the results.
    """
    rows = read(folder).rows
    if not rows:
        return ["None yet: `.venv/bin/python -m reproduce.coverage`."]
    scores = list(rows[0].bootstrap)
    head = ["n", *(f"accuracy {accuracy}" for accuracy in ACCURACIES), *scores]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for row in sorted(rows, key=lambda row: row.n):
        cells = [
            *(row.wilson[accuracy] for accuracy in ACCURACIES),
            *(row.bootstrap[score] for score in scores),
        ]
        lines.append(f"| {row.n:,} | " + " | ".join(f"{100 * share:.1f}" for share in cells) + " |")
    return [_DESCRIPTION, "\n".join(lines)]


_DESCRIPTION: Final = f"""How often the 95 % intervals of a judgement contain the true value, in percent of simulated
sets of n images. Accuracies (Wilson): {WILSON_SETS:,} sets for each true accuracy. Other scores (bootstrap):
{BOOTSTRAP_SETS} sets ({BOOTSTRAP_SETS // 2} of the largest size, so the numbers are uncertain by about 3 points) of
predictions of a simulated, overconfident classifier of ten classes. The interval of the calibration error is
conservative: it is built to contain the true value at least as often as stated. By
`.venv/bin/python -m reproduce.coverage`."""


if __name__ == "__main__":
    main()
