"""Verdicts about models and recipes: numbers and text."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from optotype.comparing.comparison import CandidateResult
from optotype.comparing.verdicts import compare_models, compare_recipes
from optotype.engine.layers import Dense
from optotype.metrics import Estimate, proportion
from optotype.metrics.paired import holm_correction, images_needed, mcnemar_test
from optotype.metrics.welch import mean_difference
from optotype.recipes.recipe import Recipe

SMALL = Recipe(name="small", layers=(Dense(4, "relu"),))
LARGE = Recipe(name="large", layers=(Dense(64, "relu"),))


def _correct(both: int, only_a: int, only_b: int, neither: int) -> dict[str, NDArray[np.bool_]]:
    """Return which images two models classify correctly, from the counts."""
    a = [True] * (both + only_a) + [False] * (only_b + neither)
    b = [True] * both + [False] * only_a + [True] * only_b + [False] * neither
    return {"A": np.array(a), "B": np.array(b)}


def _models(recipe: Recipe, correct: list[int], start: int = 0) -> tuple[list[CandidateResult], list[Recipe]]:
    """Return a model for each number of correct images of 1,000, with seeds 0, 1 and so on."""
    candidates = [
        CandidateResult(
            chr(ord("A") + start + seed),
            f"{recipe.name}-{seed}",
            recipe.name,
            seed,
            1000,
            proportion(n, 1000),
        )
        for seed, n in enumerate(correct)
    ]
    return candidates, [recipe.override({"seed": each.seed}) for each in candidates]


def _recipes(small: list[int], large: list[int]) -> tuple[list[CandidateResult], list[Recipe]]:
    (first, first_recipes), (second, second_recipes) = (
        _models(SMALL, small),
        _models(LARGE, large, len(small)),
    )
    return first + second, first_recipes + second_recipes


def test_the_verdict_names_the_better_model() -> None:
    """It has the difference in points with its interval, and how many images only one model classifies correctly."""
    (pair,) = compare_models(_correct(9800, 30, 61, 109))
    assert (
        pair.verdict
        == "B is better than A: +0.31 points [0.12, 0.50]; only B is correct on 61 images, only A on 30"
    )
    assert (pair.better, pair.only_a, pair.only_b, pair.both_wrong, pair.images_needed) == (
        "B",
        30,
        61,
        109,
        None,
    )
    assert pair.p == pair.p_adjusted == mcnemar_test(30, 61)


def test_the_better_model_is_named_first() -> None:
    """If A is better, the verdict starts with A; the difference field remains B minus A."""
    (pair,) = compare_models(_correct(9800, 61, 30, 109))
    assert (
        pair.verdict
        == "A is better than B: +0.31 points [0.12, 0.50]; only A is correct on 61 images, only B on 30"
    )
    assert pair.difference.value == pytest.approx(-0.0031)
    (pair,) = compare_models(_correct(990, 9, 1, 0))
    assert pair.verdict.endswith("only A is correct on 9 images, only B on 1")


def test_the_verdict_has_the_number_of_images_needed() -> None:
    """Without a significant difference, the verdict has the images needed, rounded up to two digits."""
    (pair,) = compare_models(_correct(9800, 40, 50, 110))
    assert pair.better is None
    assert pair.images_needed == images_needed(40, 50, 10_000)
    assert pair.verdict == (
        "no significant difference between A and B on 10,000 images: +0.10 points [-0.09, 0.29];"
        " at least 71,000 images would be needed to detect it"
    )


def test_equal_accuracies_have_a_verdict() -> None:
    """Equal accuracies name the detectable difference; equal predictions are named as such."""
    (pair,) = compare_models(_correct(9800, 50, 50, 100))
    assert pair.images_needed is None
    assert pair.verdict == (
        "no significant difference between A and B on 10,000 images: only A is correct on 50 images, only B on 50;"
        " a difference of 0.28 points or more would most likely have been detected"
    )
    (pair,) = compare_models(_correct(9800, 0, 0, 200))
    assert pair.verdict == (
        "no significant difference between A and B on 10,000 images: both are correct on the same images"
    )


def test_several_pairs_are_corrected() -> None:
    """The p-values of three pairs are Holm's; a difference that is significant alone may then not be."""
    is_correct = {**_correct(900, 6, 18, 76), "C": np.ones(1000, np.bool_)}
    pairs = compare_models(is_correct)
    assert [(each.a, each.b) for each in pairs] == [("A", "B"), ("A", "C"), ("B", "C")]
    assert [each.p_adjusted for each in pairs] == list(holm_correction([each.p for each in pairs]))
    alone = compare_models(_correct(900, 6, 17, 77))[0]
    assert alone.better == "B"
    among = compare_models({**_correct(900, 6, 17, 77), "C": _correct(900, 6, 17, 77)["A"]})[0]
    assert (among.better, among.p) == (None, alone.p)
    assert among.images_needed is not None
    assert among.images_needed > 1000
    assert among.verdict.startswith(
        "no significant difference between A and B on 1,000 images after correction for 3 pairs: +1.10 points"
    )


@given(st.tuples(*[st.integers(0, 300)] * 4).filter(any))
def test_verdicts_agree_with_their_numbers(counts: tuple[int, int, int, int]) -> None:
    """A better model is named exactly if the corrected p-value is below 5 %; the interval then excludes 0."""
    (pair,) = compare_models(_correct(*counts))
    assert (pair.better is not None) == (pair.p_adjusted < 0.05)
    if pair.better:
        assert pair.verdict.startswith(f"{pair.better} is better")
        assert pair.difference.low > 0 or pair.difference.high < 0
    elif pair.images_needed is not None:
        assert pair.images_needed > sum(counts)
    assert "-0.00" not in pair.verdict.replace("[-0.00", "")


def test_five_seeds_give_a_verdict_about_recipes() -> None:
    """Five seeds of each recipe give Welch's interval over the seeds, and a verdict about the recipes."""
    small, large = [930, 934, 928, 931, 929], [960, 958, 963, 961, 957]
    (pair,), notes = compare_recipes(*_recipes(small, large))
    welch = mean_difference([each / 1000 for each in large], [each / 1000 for each in small])
    assert pair.difference == Estimate(welch.mean, welch.low, welch.high)
    assert pair.p_adjusted == welch.p
    assert (pair.a, pair.b) == ("small (A, B, C, D, E)", "large (F, G, H, I, J)")
    assert pair.verdict == (
        "recipe large (F, G, H, I, J) is better than small (A, B, C, D, E): +2.94 points [2.60, 3.28];"
        " 5 and 5 seeds"
    )
    assert notes == ()
    (reversed_pair,), _ = compare_recipes(*_recipes(large, small))
    assert reversed_pair.verdict.startswith(
        "recipe small (A, B, C, D, E) is better than large (F, G, H, I, J): +2.94"
    )


def test_recipes_without_a_significant_difference() -> None:
    """If the interval over seeds contains 0, the verdict is that there is no significant difference."""
    (pair,), _ = compare_recipes(*_recipes([930, 950, 940, 935, 945], [939, 951, 929, 949, 941]))
    assert pair.verdict.startswith(
        "no significant difference between recipes small (A, B, C, D, E) and large (F, G, H, I, J): +0.18 points"
    )


def test_accuracies_without_variance_name_no_better_recipe() -> None:
    """If no accuracy varies with the seed, the interval has no width, and no recipe is named better."""
    (pair,), _ = compare_recipes(*_recipes([930] * 5, [931] * 5))
    assert "no accuracy varies with the seed" in pair.verdict


def test_fewer_than_five_seeds_are_too_few() -> None:
    """With two to four seeds of a recipe, the verdict is that five of each are required."""
    (pair,), _ = compare_recipes(*_recipes([930, 940], [950]))
    assert (pair.difference, pair.p_adjusted) == (None, None)
    assert pair.verdict == (
        "recipes small (A, B) and large (C): a verdict requires at least 5 seeds of each, found 2 and 1 seeds"
    )
    assert compare_recipes(*_recipes([930], [950])) == ((), ())
    assert compare_recipes(*_models(SMALL, [930, 940])) == ((), ())


def test_a_repeated_seed_counts_once() -> None:
    """A model that repeats a recipe and seed is left out of the group, with a note."""
    candidates, recipes = _recipes([930, 934, 928, 931, 929], [960, 958, 963, 961, 957])
    twin = CandidateResult("K", "twin", "small", 4, 1000, proportion(990, 1000))
    (pair,), notes = compare_recipes([*candidates, twin], [*recipes, recipes[4]])
    assert pair.keys_a == ("A", "B", "C", "D", "E")
    assert notes == ("E and K have the same recipe and seed 4: only E counts for the recipe.",)


def test_name_and_source_do_not_distinguish_recipes() -> None:
    """Recipes with other names or sources are the same; with another setting they differ, even under one name."""
    candidates, recipes = _models(SMALL, [930, 940])
    renamed = [recipes[0], recipes[1].override({"name": "other", "source": "elsewhere"})]
    assert compare_recipes(candidates, renamed) == ((), ())
    changed = [recipes[0], recipes[1].override({"epochs": 3})]
    assert compare_recipes(candidates, changed) == ((), ())
    three, settings = _models(SMALL, [930, 940, 935])
    (pair,), _ = compare_recipes(three, [*settings[:2], settings[2].override({"epochs": 3})])
    assert (pair.a, pair.b) == ("small (A, B)", "small (C)")


def test_several_recipes_are_corrected() -> None:
    """The p-values of the three pairs of three recipes are Holm's."""
    candidates, recipes = _recipes([930, 934, 928, 931, 929], [931, 935, 930, 933, 931])
    third, third_recipes = _models(
        SMALL.override({"epochs": 3, "name": "long"}), [940, 942, 941, 939, 938], 10
    )
    pairs, _ = compare_recipes([*candidates, *third], [*recipes, *third_recipes])
    assert len(pairs) == 3
    samples = [[each.accuracy.value for each in group] for group in (candidates[:5], candidates[5:], third)]
    raw = [mean_difference(samples[b], samples[a]).p for a, b in ((0, 1), (0, 2), (1, 2))]
    assert [each.p_adjusted for each in pairs] == list(holm_correction(raw))
