"""Numbers as people read them, and the verdict in words."""

from optotype.judging.judgement import Baseline, Judgement
from optotype.metrics import Estimate
from optotype.metrics.intervals import unpaired_difference

_SPACE = "\N{NO-BREAK SPACE}"


def percent(share: float) -> str:
    """Say a share in hundredths, and 0 % or 100 % only where it is: "97.62 %"."""
    text = f"{100 * share:.2f}"
    if text == "100.00" and share < 1:
        text = ">99.99"
    if text == "0.00" and share > 0:
        text = "<0.01"
    return f"{text}{_SPACE}%"


def spread(estimate: Estimate) -> str:
    """Say an interval of a share: "97.30 % to 97.90 %"."""
    return f"{percent(estimate.low)} to {percent(estimate.high)}"


def points(difference: float) -> str:
    """Say how far two shares are apart: "5.52 points"."""
    return f"{100 * abs(difference):.2f} points"


def images(judgement: Judgement) -> str:
    """Say what was judged on: "test images"."""
    return "test images" if judgement.on == "test" else "new images"


def verdict(judgement: Judgement) -> list[str]:
    """Say what a judgement came to, one matter a sentence, the weightiest first.

    Args:
        judgement: It; what it does not hold is not said.
    """
    score = judgement.score
    right = f"{percent(score.accuracy.value)} of {score.n:,} {images(judgement)} are classified right"
    said = [f"{right}; the 95{_SPACE}% interval is {spread(score.accuracy)}."]
    if judgement.openings:
        said.append(_opened(judgement))
    if judgement.calibration is not None:
        check = judgement.calibration
        said.append(
            f"Its probabilities are off by {points(check.after.ece.value)} on average, and by"
            f" {points(check.before.ece.value)} before calibration (expected calibration error)."
        )
    if judgement.baselines:
        best = max(judgement.baselines, key=lambda each: each.accuracy.value)
        said.append(_beside(score.accuracy, best))
    if judgement.diagnoses:
        first = judgement.diagnoses[0]
        said.append(f"{'Beware' if first.severe else 'Worth a look'}: {first.message}")
    return said


def _opened(judgement: Judgement) -> str:
    times = judgement.opening
    if judgement.on == "new":
        said = f"The sealed test split of {judgement.data} is among them; this is its opening {times}"
    else:
        said = f"This is opening {times} of this test set"
    if times == 1:
        return f"{said}."
    return f"{said}: if anything was chosen after an earlier one, the result looks better than it is."


def _beside(own: Estimate, best: Baseline) -> str:
    other = f"the best of the simple classifiers, {best.name} ({percent(best.accuracy.value)})"
    above, below = unpaired_difference(own, best.accuracy), unpaired_difference(best.accuracy, own)
    if above.low > 0:
        return f"Its accuracy is {_apart(above)} above {other}."
    if below.low > 0:
        return f"Its accuracy is {_apart(below)} below {other}: the simpler one should be used."
    return f"Its accuracy cannot be told from {other}: the difference is {_apart(above)}."


def _apart(difference: Estimate) -> str:
    low, high = 100 * difference.low, 100 * difference.high
    return f"{100 * difference.value:.2f} points (95{_SPACE}% interval {low:.2f} to {high:.2f})"
