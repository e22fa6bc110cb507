"""The statistics and the verdicts of a comparison: which model is better, and which recipe.

A verdict about two models rests on images. A verdict about two recipes rests on several models of each, because
another seed gives another model.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import fmean
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.comparing.comparison import CandidateResult, Pair, RecipePair
from optotype.metrics import Estimate
from optotype.metrics.formatting import format_points
from optotype.metrics.paired import (
    holm_correction,
    images_needed,
    mcnemar_test,
    minimum_detectable_difference,
    paired_difference,
)
from optotype.metrics.welch import MeanDifference, mean_difference
from optotype.recipes.recipe import Recipe
from optotype.text import count

ALPHA: Final = 0.05
"""Significance level of every verdict."""
MIN_SEEDS: Final = 5
"""Models of each recipe that a verdict about recipes requires."""


def compare_models(is_correct: Mapping[str, NDArray[np.bool_]]) -> tuple[Pair, ...]:
    """Compare every pair of models.

    Args:
        is_correct: By key, which images a model classifies correctly; bool of shape (n,), the same images for all.

    Returns:
        One result for each pair, in the order of the keys.
    """
    key_pairs = list(combinations(is_correct, 2))
    counts = [_count_pair(is_correct[a], is_correct[b]) for a, b in key_pairs]
    p_values = [mcnemar_test(only_a, only_b) for only_a, only_b, _ in counts]
    adjusted = holm_correction(p_values)
    n = len(next(iter(is_correct.values())))
    return tuple(
        _pair(keys, pair_counts, n, (p, p_adjusted), len(key_pairs))
        for keys, pair_counts, p, p_adjusted in zip(key_pairs, counts, p_values, adjusted, strict=True)
    )


def _count_pair(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> tuple[int, int, int]:
    """Count the images that only the first, only the second, and neither model classifies correctly."""
    return int((a & ~b).sum()), int((b & ~a).sum()), int((~a & ~b).sum())


def _pair(
    keys: tuple[str, str],
    counts: tuple[int, int, int],
    n: int,
    p_values: tuple[float, float],
    n_pairs: int,
) -> Pair:
    (a, b), (only_a, only_b, both_wrong), (p, p_adjusted) = keys, counts, p_values
    change = paired_difference(only_a, only_b, n)
    is_significant = p_adjusted < ALPHA
    # The level that Holm's method requires of the smallest p-value, so that the number always exceeds n.
    alpha = ALPHA / n_pairs
    needed = None if is_significant else images_needed(only_a, only_b, n, alpha)
    better = (b if only_b > only_a else a) if is_significant else None
    if better == a:
        verdict = _verdict_better(a, b, _negate(change), only_a, only_b)
    elif better == b:
        verdict = _verdict_better(b, a, change, only_b, only_a)
    else:
        correction = f" after correction for {n_pairs} pairs" if p < ALPHA else ""
        reason = _reason(keys, counts, n, change, needed, alpha)
        verdict = f"no significant difference between {a} and {b} on {n:,} images{correction}: {reason}"
    return Pair(a, b, change, only_a, only_b, both_wrong, p, p_adjusted, needed, better, verdict)


def _verdict_better(winner: str, loser: str, change: Estimate, only_winner: int, only_loser: int) -> str:
    return (
        f"{winner} is better than {loser}: {format_points(change)}; only {winner} is correct on"
        f" {count(only_winner, 'image')}, only {loser} on {only_loser:,}"
    )


def _reason(
    keys: tuple[str, str],
    counts: tuple[int, int, int],
    n: int,
    change: Estimate,
    needed: int | None,
    alpha: float,
) -> str:
    """Return why a pair has no significant difference."""
    (a, b), (only_a, only_b, _) = keys, counts
    if needed is not None:
        return f"{format_points(change)}; at least {_round_up(needed):,} images would be needed to detect it"
    if only_a == 0:
        return "both are correct on the same images"
    smallest = 100 * minimum_detectable_difference(only_a, only_b, n, alpha)
    return (
        f"only {a} is correct on {count(only_a, 'image')}, only {b} on {only_b:,}; a difference of {smallest:.2f}"
        " points or more would most likely have been detected"
    )


def compare_recipes(
    candidates: Sequence[CandidateResult], recipes: Sequence[Recipe]
) -> tuple[tuple[RecipePair, ...], tuple[str, ...]]:
    """Compare every pair of recipes of which at least one was trained with several seeds.

    Args:
        candidates: The models.
        recipes: The recipe of each model.

    Returns:
        The pairs, and notes on models that repeat the recipe and seed of another.
    """
    groups, notes = _group_by_recipe(candidates, recipes)
    key_pairs = [(a, b) for a, b in combinations(groups, 2) if max(len(groups[a]), len(groups[b])) > 1]
    differences = {
        (a, b): mean_difference(_accuracies(groups[b]), _accuracies(groups[a]))
        for a, b in key_pairs
        if min(len(groups[a]), len(groups[b])) >= MIN_SEEDS
    }
    adjusted = dict(
        zip(differences, holm_correction([welch.p for welch in differences.values()]), strict=True)
    )
    pairs = [
        _recipe_pair(groups[a], groups[b], differences.get((a, b)), adjusted.get((a, b)))
        for a, b in key_pairs
    ]
    return tuple(pairs), notes


def _group_by_recipe(
    candidates: Sequence[CandidateResult], recipes: Sequence[Recipe]
) -> tuple[dict[str, list[CandidateResult]], tuple[str, ...]]:
    """Group the models by recipe, one model per seed."""
    groups: dict[str, list[CandidateResult]] = {}
    notes = []
    for candidate, recipe in zip(candidates, recipes, strict=True):
        # These settings are the same for all candidates, or do not affect the computation.
        ignored = {"name", "source", "seed", "validation", "split_seed"}
        # With other additional images, the same recipe is another training.
        key = recipe.model_dump_json(exclude=ignored) + candidate.trained_on
        group = groups.setdefault(key, [])
        if twin := next((member for member in group if member.seed == candidate.seed), None):
            notes.append(
                f"{twin.key} and {candidate.key} have the same recipe and seed {twin.seed}: only {twin.key} counts for"
                " the recipe."
            )
        else:
            group.append(candidate)
    return groups, tuple(notes)


def _accuracies(group: Sequence[CandidateResult]) -> list[float]:
    return [candidate.accuracy.value for candidate in group]


def _recipe_pair(
    first: Sequence[CandidateResult],
    second: Sequence[CandidateResult],
    welch: MeanDifference | None,
    p: float | None,
) -> RecipePair:
    groups = (first, second)
    keys = [tuple(candidate.key for candidate in group) for group in groups]
    a, b = (
        f"{group[0].recipe} ({', '.join(group_keys)})" for group, group_keys in zip(groups, keys, strict=True)
    )
    change = None if welch is None else Estimate(welch.mean, welch.low, welch.high)
    verdict = _recipe_verdict((a, b), (len(first), len(second)), change, p)
    return RecipePair(
        a, b, keys[0], keys[1], fmean(_accuracies(first)), fmean(_accuracies(second)), change, p, verdict
    )


def _recipe_verdict(
    names: tuple[str, str], n_seeds: tuple[int, int], change: Estimate | None, p: float | None
) -> str:
    (a, b), seeds = names, f"{n_seeds[0]} and {n_seeds[1]} seeds"
    if change is None or p is None:
        return f"recipes {a} and {b}: a verdict requires at least {MIN_SEEDS} seeds of each, found {seeds}"
    if change.low == change.high:
        return f"recipes {a} and {b}: {format_points(change)}, but no accuracy varies with the seed; {seeds}"
    if p >= ALPHA:
        return f"no significant difference between recipes {a} and {b}: {format_points(change)}; {seeds}"
    if change.value < 0:
        return f"recipe {a} is better than {b}: {format_points(_negate(change))}; {seeds}"
    return f"recipe {b} is better than {a}: {format_points(change)}; {n_seeds[1]} and {n_seeds[0]} seeds"


def _negate(change: Estimate) -> Estimate:
    return Estimate(-change.value, -change.high, -change.low)


def _round_up(n: int) -> int:
    """Round up to two significant digits: the number of images needed is not known more precisely."""
    unit: int = 10 ** max(len(str(n)) - 2, 0)
    return -(-n // unit) * unit
