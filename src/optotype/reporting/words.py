"""Formatting of numbers for reports, and the verdict of a judgement in sentences."""

from typing import TYPE_CHECKING

from optotype.metrics import Estimate
from optotype.metrics.intervals import unpaired_difference

if TYPE_CHECKING:
    from optotype.judging.judgement import Baseline, CalibrationCheck, Judgement

_SPACE = "\N{NO-BREAK SPACE}"


def format_percent(share: float) -> str:
    """Return a share in percent: "97.62 %". Only exact 0 and 1 become 0 % and 100 %."""
    text = f"{100 * share:.2f}"
    if text == "100.00" and share < 1:
        text = ">99.99"
    if text == "0.00" and share > 0:
        text = "<0.01"
    return f"{text}{_SPACE}%"


def format_interval(estimate: Estimate) -> str:
    """Return the interval of a share: "97.30 % to 97.90 %"."""
    return f"{format_percent(estimate.low)} to {format_percent(estimate.high)}"


def format_estimate(estimate: Estimate) -> str:
    """Return a value with its interval for the model card: "0.9762 (0.9730 to 0.9790)"."""
    return f"{estimate.value:.4f} ({estimate.low:.4f} to {estimate.high:.4f})"


def describe_images(judgement: "Judgement") -> str:
    """Return which images were judged: "test images" or "new images"."""
    return "test images" if judgement.on == "test" else "new images"


def verdict_sentences(judgement: "Judgement") -> list[str]:
    """Return the result of a judgement in sentences, one fact each, the most important first.

    Args:
        judgement: The judgement; a part that it lacks has no sentence.
    """
    score = judgement.score
    images = f"{score.n:,} {describe_images(judgement)}"
    interval = f"95{_SPACE}% interval {format_interval(score.accuracy)}"
    sentences = [f"{format_percent(score.accuracy.value)} of {images} are classified correctly ({interval})."]
    if judgement.openings:
        sentences.append(_opening_sentence(judgement))
    if judgement.calibration is not None:
        sentences.append(calibration_sentence(judgement.calibration))
    if judgement.baselines:
        best = max(judgement.baselines, key=lambda baseline: baseline.accuracy.value)
        sentences.append(_baseline_sentence(score.accuracy, best))
    if judgement.diagnoses:
        first = judgement.diagnoses[0]
        sentences.append(f"{'Severe diagnosis' if first.severe else 'Diagnosis'}: {first.message}")
    return sentences


def calibration_sentence(check: "CalibrationCheck") -> str:
    """Return the expected calibration error after and before calibration as a sentence."""
    after, before = check.after.ece.value, check.before.ece.value
    helped = "" if after < before else "; calibration did not help here"
    return f"Calibration error: {100 * after:.2f} points ({100 * before:.2f} before calibration{helped})."


def _opening_sentence(judgement: "Judgement") -> str:
    number = judgement.opening
    if judgement.on == "new":
        sentence = (
            f"The new images contain the sealed test split of {judgement.data}; this is its opening {number}."
        )
    else:
        sentence = f"This is opening {number} of this test set."
    if number == 1:
        return sentence
    return f"{sentence} If a choice was made after an earlier opening, the result is too optimistic."


def _baseline_sentence(own: Estimate, best: "Baseline") -> str:
    baseline = f"the best baseline, {best.name} ({format_percent(best.accuracy.value)})"
    above, below = unpaired_difference(own, best.accuracy), unpaired_difference(best.accuracy, own)
    if above.low > 0:
        return f"Accuracy is {_format_difference(above)} above {baseline}."
    if below.low > 0:
        return f"Accuracy is {_format_difference(below)} below {baseline}. Use the baseline instead."
    return f"Accuracy cannot be distinguished from {baseline}; the difference is {_format_difference(above)}."


def _format_difference(difference: Estimate) -> str:
    low, high = 100 * difference.low, 100 * difference.high
    return f"{100 * difference.value:.2f} points (95{_SPACE}% interval {low:.2f} to {high:.2f})"
