"""Which model is better, and which recipe: the statistics of a comparison, and their words.

A verdict about two models rests on the images; one about two recipes on several models of each, for another seed gives
another model.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import fmean
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.comparing.comparison import CandidateResult, Pair, RecipePair
from optotype.metrics import Estimate
from optotype.metrics.paired import holm, images_needed, mcnemar, paired_difference, smallest_difference
from optotype.metrics.welch import Difference, difference
from optotype.recipes.recipe import Recipe

ALPHA: Final = 0.05
"""Level of every verdict."""
SEEDS: Final = 5
"""Models of a recipe that a verdict about it takes."""


def compare_models(right: Mapping[str, NDArray[np.bool_]]) -> tuple[Pair, ...]:
    """Compare each two models.

    Args:
        right: By key, which images a model classifies right; bool of shape (n,), the same images for all.
    """
    chosen = list(combinations(right, 2))
    counts = [
        (
            int((right[a] & ~right[b]).sum()),
            int((right[b] & ~right[a]).sum()),
            int((~right[a] & ~right[b]).sum()),
        )
        for a, b in chosen
    ]
    p_values = [mcnemar(only_a, only_b) for only_a, only_b, _ in counts]
    adjusted = holm(p_values)
    n = len(next(iter(right.values())))
    return tuple(
        _pair(keys, count, n, (p, p_adjusted), len(chosen))
        for keys, count, p, p_adjusted in zip(chosen, counts, p_values, adjusted, strict=True)
    )


def _pair(
    keys: tuple[str, str], counts: tuple[int, int, int], n: int, p_values: tuple[float, float], pairs: int
) -> Pair:
    (a, b), (only_a, only_b, both_wrong), (p, p_adjusted) = keys, counts, p_values
    change = paired_difference(only_a, only_b, n)
    seen = p_adjusted < ALPHA
    # At the level that Holm's method asks of the first of them: so the number is always larger than n.
    alpha = ALPHA / pairs
    needed = None if seen else images_needed(only_a, only_b, n, alpha)
    better = (b if only_b > only_a else a) if seen else None
    if better == a:
        verdict = _better(a, b, _reversed(change), only_a, only_b)
    elif better == b:
        verdict = _better(b, a, change, only_b, only_a)
    else:
        among = f" among {pairs} pairs" if p < ALPHA else ""
        why = _why_not(keys, counts, n, change, needed, alpha)
        verdict = f"these {n:,} images cannot tell {a} from {b}{among}: {why}"
    return Pair(a, b, change, only_a, only_b, both_wrong, p, p_adjusted, needed, better, verdict)


def _better(winner: str, loser: str, change: Estimate, only_winner: int, only_loser: int) -> str:
    return (
        f"{winner} is better than {loser}: {in_points(change)}; {_count(only_winner)} only {winner} gets right,"
        f" {only_loser:,} only {loser}"
    )


def _why_not(
    keys: tuple[str, str],
    counts: tuple[int, int, int],
    n: int,
    change: Estimate,
    needed: int | None,
    alpha: float,
) -> str:
    (a, b), (only_a, only_b, _) = keys, counts
    if needed is not None:
        return f"{in_points(change)}; at least {_rounded_up(needed):,} would be needed"
    if only_a == 0:
        return "both get the same ones right"
    smallest = 100 * smallest_difference(only_a, only_b, n, alpha)
    return (
        f"{_count(only_a)} only {a} gets right, {only_b:,} only {b}; a difference of {smallest:.2f} points or more"
        " would most likely have been seen"
    )


def compare_recipes(
    contestants: Sequence[CandidateResult], recipes: Sequence[Recipe]
) -> tuple[tuple[RecipePair, ...], tuple[str, ...]]:
    """Compare each two recipes of which one at least was given with several seeds.

    Args:
        contestants: The models.
        recipes: The recipe of each.

    Returns:
        The pairs, and sentences about models that say nothing new of their recipe.
    """
    groups, notes = _groups(contestants, recipes)
    chosen = [
        (one, other)
        for one, other in combinations(groups, 2)
        if max(len(groups[one]), len(groups[other])) > 1
    ]
    tested = {
        (one, other): difference(_accuracies(groups[other]), _accuracies(groups[one]))
        for one, other in chosen
        if min(len(groups[one]), len(groups[other])) >= SEEDS
    }
    adjusted = dict(zip(tested, holm([each.p for each in tested.values()]), strict=True))
    pairs = [
        _recipe_pair(groups[one], groups[other], tested.get((one, other)), adjusted.get((one, other)))
        for one, other in chosen
    ]
    return tuple(pairs), notes


def _groups(
    contestants: Sequence[CandidateResult], recipes: Sequence[Recipe]
) -> tuple[dict[str, list[CandidateResult]], tuple[str, ...]]:
    """Put the models of each recipe together, one a seed."""
    groups: dict[str, list[CandidateResult]] = {}
    notes = []
    for contestant, recipe in zip(contestants, recipes, strict=True):
        # What is the same for all anyway, or computes nothing, tells no two recipes apart.
        beside = {"name", "source", "seed", "validation", "split_seed"}
        # A recipe is compared as it was trained: with pictures added it is another training.
        key = recipe.model_dump_json(exclude=beside) + contestant.trained_on
        group = groups.setdefault(key, [])
        if twin := next((each for each in group if each.seed == contestant.seed), None):
            notes.append(
                f"{twin.key} and {contestant.key} are of the same recipe and seed {twin.seed}: for the recipe only"
                f" {twin.key} counts."
            )
        else:
            group.append(contestant)
    return groups, tuple(notes)


def _accuracies(group: Sequence[CandidateResult]) -> list[float]:
    return [each.accuracy.value for each in group]


def _recipe_pair(
    one: Sequence[CandidateResult],
    other: Sequence[CandidateResult],
    welch: Difference | None,
    p: float | None,
) -> RecipePair:
    keys = [tuple(each.key for each in group) for group in (one, other)]
    a, b = (f"{group[0].recipe} ({', '.join(each)})" for group, each in zip((one, other), keys, strict=True))
    seeds = len(one), len(other)
    change = None if welch is None else Estimate(welch.mean, welch.low, welch.high)
    mean_a, mean_b = fmean(_accuracies(one)), fmean(_accuracies(other))
    return RecipePair(
        a, b, keys[0], keys[1], mean_a, mean_b, change, p, _recipe_verdict((a, b), seeds, change, p)
    )


def _recipe_verdict(
    names: tuple[str, str], seeds: tuple[int, int], change: Estimate | None, p: float | None
) -> str:
    (a, b), trained = names, f"{seeds[0]} and {seeds[1]} seeds"
    if change is None or p is None:
        needed = f"at least {SEEDS} seeds of each are needed for a verdict"
        return f"recipes {a} and {b}: {needed}, here are {seeds[0]} and {seeds[1]}"
    if change.low == change.high:
        return f"recipes {a} and {b}: {in_points(change)}, but no accuracy varies with the seed; {trained}"
    if p >= ALPHA:
        return f"{trained} cannot tell the recipes {a} and {b} apart: {in_points(change)}"
    if change.value < 0:
        return f"the recipe {a} is better than {b}: {in_points(_reversed(change))}; {trained}"
    return f"the recipe {b} is better than {a}: {in_points(change)}; {seeds[1]} and {seeds[0]} seeds"


def in_points(change: Estimate) -> str:
    """Write a difference of accuracies in percentage points, with its interval."""
    # Adding 0 makes 0 of -0.
    value, low, high = (round(100 * each, 2) + 0.0 for each in (change.value, change.low, change.high))
    return f"{value:+.2f} points [{low:.2f}, {high:.2f}]"


def _reversed(change: Estimate) -> Estimate:
    return Estimate(-change.value, -change.high, -change.low)


def _count(n: int) -> str:
    return f"{n:,} image" if n == 1 else f"{n:,} images"


def _rounded_up(n: int) -> int:
    """Round up to two digits: no more is known of a number of images that would be needed."""
    unit: int = 10 ** max(len(str(n)) - 2, 0)
    return -(-n // unit) * unit
