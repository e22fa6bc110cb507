"""Can the judged images tell what is asked of them?"""

import math
from typing import Final

from optotype.diagnosis.advice import edit_recipe, judge_on_more
from optotype.diagnosis.case import Case
from optotype.judging.judgement import Diagnosis
from optotype.metrics.intervals import unpaired_difference

_WIDE: Final = 0.1
_WISHED: Final = 0.02
_Z: Final = 1.96


def too_few(case: Case) -> Diagnosis | None:
    """The interval of the accuracy is more than ten points wide."""
    accuracy = case.test.accuracy
    if accuracy.high - accuracy.low <= _WIDE:
        return None
    # By the normal approximation, n = z^2 p (1 - p) / 0.02^2; p is kept off 0 and 1, where that is nothing.
    share = min(max(accuracy.value, 0.05), 0.95)
    needed = math.ceil((_Z / _WISHED) ** 2 * share * (1 - share))
    return Diagnosis(
        "too_few_images",
        "There are too few images to tell how good it is.",
        f"On {case.test.n:,} images the accuracy is {accuracy.value:.1%}, but it may be anything from"
        f" {accuracy.low:.1%} to {accuracy.high:.1%}.",
        f"About {needed:,} images would tell to within 2 points: {judge_on_more(case.run)}",
        severe=True,
    )


def no_better_than_simpler(case: Case) -> Diagnosis | None:
    """A far simpler classifier is as good, as far as these images can tell."""
    best = max(case.judgement.baselines, key=lambda each: each.accuracy.value, default=None)
    if best is None:
        return None
    above = unpaired_difference(case.test.accuracy, best.accuracy)
    if above.low > 0:
        return None
    better_net = f"ask more of the network: {edit_recipe(case.run, 'add filters, units or layers')}"
    if above.high < 0:
        said, advice = "is better", f"Take the simpler one, or {better_net}."
    else:
        said = "may be as good: these images cannot tell the two apart"
        advice = f"Look whether more images can tell them apart: {judge_on_more(case.run)}; or {better_net}."
    return Diagnosis(
        "no_better_than_simpler",
        f"A far simpler classifier, {best.name}, {said}.",
        f"On {case.test.n:,} images the model has {case.test.accuracy}; {best.name}, trained on {best.trained_on:,}"
        f" images, has {best.accuracy} on {best.n:,} of them.",
        advice,
    )
