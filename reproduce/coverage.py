"""`python -m reproduce.coverage`: how often the intervals of a judgement hold the truth, by simulation.

Sets of images are simulated of which the truth is known; 95 of 100 intervals should hold it. What is missing in
results/coverage.json is simulated, and RESULTS.md is rendered.
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
SHARES: Final = 20_000
"""Sets simulated for each share."""
SETS: Final = 400
"""Sets simulated for what is bootstrapped; half as many of the largest."""
_CLASSES: Final = 10
_SPREAD: Final = 20.0
_TEMPERATURE: Final = 1.2
"""Of the simulated classifier: its logits are normal numbers of this spread, and too sure by this temperature."""
_MANY: Final = 1_000_000

Images = tuple[NDArray[np.float64], NDArray[np.int64]]


class Row(Frozen):
    """What was simulated with one number of images.

    Attributes:
        n: Images in a set.
        sets: Sets simulated for what is bootstrapped.
        shares: Share of the intervals that held the truth, by accuracy.
        others: Likewise by score, for what is bootstrapped.
    """

    n: int
    sets: int
    shares: dict[float, float]
    others: dict[str, float]


class Coverage(Frozen):
    """What results/coverage.json holds."""

    rows: tuple[Row, ...] = ()


def main() -> None:
    """Simulate what is missing, and render."""
    from reproduce.render import write_page  # noqa: PLC0415 - it imports this module

    found = read(FOLDER)
    for n in SIZES:
        if all(row.n != n for row in found.rows):
            shares = {accuracy: round(of_shares(accuracy, n, SHARES), 4) for accuracy in ACCURACIES}
            sets = SETS // (1 + (n == max(SIZES)))
            others = {name: round(share, 3) for name, share in of_others(n, sets).items()}
            found = Coverage(rows=(*found.rows, Row(n=n, sets=sets, shares=shares, others=others)))
            print(found.rows[-1], flush=True)
            write(found, FOLDER / FILE)
    write_page()


def of_shares(accuracy: float, n: int, sets: int) -> float:
    """Give the share of simulated sets of n images in which Wilson's interval holds the true accuracy."""
    drawn = np.random.default_rng(0).binomial(n, accuracy, sets)
    counts, times = np.unique(drawn, return_counts=True)
    intervals = [wilson_interval(count, n) for count in counts.tolist()]
    held = np.array([low <= accuracy <= high for low, high in intervals])
    return float((held * times).sum() / sets)


def of_others(n: int, sets: int) -> dict[str, float]:
    """Give the share of simulated sets of n images in which each bootstrap interval holds the truth."""
    rng = np.random.default_rng(0)
    truth = _values(*_simulated(_MANY, rng))
    held = dict.fromkeys(truth, 0)
    for _ in range(sets):
        for name, estimate in _estimates(*_simulated(n, rng)).items():
            held[name] += estimate.low <= truth[name] <= estimate.high
    return {name: count / sets for name, count in held.items()}


def _simulated(n: int, rng: np.random.Generator) -> Images:
    """Simulate logits, and labels that are drawn from what a calibrated classifier would have said."""
    logits = rng.normal(size=(n, _CLASSES)) * _SPREAD
    levels = softmax(logits / _TEMPERATURE).cumsum(axis=1)
    return logits, (levels > rng.random((n, 1)) * levels[:, -1:]).argmax(axis=1)


def _estimates(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> dict[str, Estimate]:
    scores = confusion_scores(confusion_matrix(labels, logits.argmax(axis=1), _CLASSES))
    return {
        "macro F1": scores.f1,
        "kappa": scores.kappa,
        "log loss": mean_estimate(log_loss_per_image(logits, labels)),
        "calibration error": expected_calibration_error(softmax(logits), labels),
    }


def _values(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> dict[str, float]:
    """Score so many images that their scores are the truth."""
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
    """Read what has been simulated."""
    file = folder / FILE
    return Coverage.model_validate_json(file.read_text(encoding="utf-8")) if file.exists() else Coverage()


def coverage_section(folder: Path) -> list[str]:
    """Write what RESULTS.md says of intervals.

    Args:
        folder: Of the results.
    """
    rows = read(folder).rows
    if not rows:
        return ["None yet: `.venv/bin/python -m reproduce.coverage`."]
    others = list(rows[0].others)
    head = ["n", *(f"accuracy {accuracy}" for accuracy in ACCURACIES), *others]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for row in sorted(rows, key=lambda row: row.n):
        cells = [*(row.shares[each] for each in ACCURACIES), *(row.others[each] for each in others)]
        lines.append(f"| {row.n:,} | " + " | ".join(f"{100 * share:.1f}" for share in cells) + " |")
    return [_MEANING, "\n".join(lines)]


_MEANING: Final = f"""How often the 95 % intervals of a judgement hold the truth, in percent of simulated sets of n
images. Of accuracies (Wilson): {SHARES:,} sets for each true accuracy. Of what is bootstrapped: {SETS} sets
({SETS // 2} of the largest, so give or take 3 points) of the answers of a simulated classifier of ten classes that is
too sure of itself. The interval of the calibration error is made to hold the truth at least as often as it says.
By `.venv/bin/python -m reproduce.coverage`."""


if __name__ == "__main__":
    main()
