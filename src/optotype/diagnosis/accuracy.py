"""Checks of the judged accuracy: is it known precisely, and is it better than a baseline's?"""

import math
from typing import Final

from optotype.diagnosis.advice import edit_recipe_advice, judge_command
from optotype.diagnosis.context import DiagnosisContext
from optotype.diagnosis.diagnosis import Diagnosis
from optotype.metrics.intervals import unpaired_difference

_MAX_INTERVAL_WIDTH: Final = 0.1
_TARGET_HALF_WIDTH: Final = 0.02
_Z: Final = 1.96


def too_few(context: DiagnosisContext) -> Diagnosis | None:
    """Check whether the interval of the accuracy is more than 10 points wide."""
    accuracy = context.test.accuracy
    if accuracy.high - accuracy.low <= _MAX_INTERVAL_WIDTH:
        return None
    # Normal approximation: n = z^2 p (1 - p) / 0.02^2. p is kept away from 0 and 1, where n would be 0.
    share = min(max(accuracy.value, 0.05), 0.95)
    needed = math.ceil((_Z / _TARGET_HALF_WIDTH) ** 2 * share * (1 - share))
    return Diagnosis(
        "too_few_images",
        "There are too few images to know the accuracy precisely.",
        f"On {context.test.n:,} images the accuracy is {accuracy.value:.1%}, with a 95 % interval from"
        f" {accuracy.low:.1%} to {accuracy.high:.1%}.",
        f"About {needed:,} images would give the accuracy within 2 points: {judge_command(context.run)}",
        severe=True,
    )


def no_better_than_simpler(context: DiagnosisContext) -> Diagnosis | None:
    """Check whether a baseline, a much simpler classifier, may be as good as the model."""
    best = max(context.judgement.baselines, key=lambda baseline: baseline.accuracy.value, default=None)
    if best is None:
        return None
    difference = unpaired_difference(context.test.accuracy, best.accuracy)
    if difference.low > 0:
        return None
    larger = f"train a larger network: {edit_recipe_advice(context.run, 'add filters, units or layers')}"
    if difference.high < 0:
        result, advice = "is better", f"Use the baseline, or {larger}."
    else:
        result = "may be as good: there are too few images to tell the two apart"
        advice = f"Judge on more images: {judge_command(context.run)}; or {larger}."
    return Diagnosis(
        "no_better_than_simpler",
        f"A much simpler classifier, {best.name}, {result}.",
        f"On {context.test.n:,} images the model has accuracy {context.test.accuracy}. The baseline"
        f" {best.name}, trained on {best.trained_on:,} images, has {best.accuracy} on {best.n:,} of them.",
        advice,
    )
