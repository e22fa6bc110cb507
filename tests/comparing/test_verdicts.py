"""Which model is better, and which recipe: in numbers and in words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from optotype.comparing.comparison import CandidateResult
from optotype.comparing.verdicts import compare_models, compare_recipes, in_points
from optotype.engine.layers import Dense
from optotype.metrics import Estimate, proportion
from optotype.metrics.paired import holm, images_needed, mcnemar
from optotype.metrics.welch import difference
from optotype.recipes.recipe import Recipe

SMALL = Recipe(name="small", layers=(Dense(4, "relu"),))
LARGE = Recipe(name="large", layers=(Dense(64, "relu"),))


def _right(both: int, only_a: int, only_b: int, neither: int) -> dict[str, NDArray[np.bool_]]:
    """Make two models that are right on so many images."""
    a = [True] * (both + only_a) + [False] * (only_b + neither)
    b = [True] * both + [False] * only_a + [True] * only_b + [False] * neither
    return {"A": np.array(a), "B": np.array(b)}


def _models(recipe: Recipe, correct: list[int], start: int = 0) -> tuple[list[CandidateResult], list[Recipe]]:
    """Make a model for each number of images right of 1,000, with seeds 0, 1 and so on."""
    contestants = [
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
    return contestants, [recipe.override({"seed": each.seed}) for each in contestants]


def _recipes(small: list[int], large: list[int]) -> tuple[list[CandidateResult], list[Recipe]]:
    (one, here), (other, there) = _models(SMALL, small), _models(LARGE, large, len(small))
    return one + other, here + there


def test_a_better_model_is_told_in_words() -> None:
    """The better one, the difference in points with its interval, and who alone gets how many images right."""
    (pair,) = compare_models(_right(9800, 30, 61, 109))
    assert (
        pair.verdict
        == "B is better than A: +0.31 points [0.12, 0.50]; 61 images only B gets right, 30 only A"
    )
    assert (pair.better, pair.only_a, pair.only_b, pair.both_wrong, pair.needed) == ("B", 30, 61, 109, None)
    assert pair.p == pair.p_adjusted == mcnemar(30, 61)


def test_the_winner_is_named_first_whichever_it_is() -> None:
    """Where A is better the words start from A, while the difference stays B's less A's."""
    (pair,) = compare_models(_right(9800, 61, 30, 109))
    assert (
        pair.verdict
        == "A is better than B: +0.31 points [0.12, 0.50]; 61 images only A gets right, 30 only B"
    )
    assert pair.difference.value == pytest.approx(-0.0031)
    (pair,) = compare_models(_right(990, 9, 1, 0))
    assert pair.verdict.endswith("9 images only A gets right, 1 only B")


def test_too_few_images_are_said_to_be_too_few() -> None:
    """Where the test sees nothing, the verdict says how many images it would take, rounded up to two digits."""
    (pair,) = compare_models(_right(9800, 40, 50, 110))
    assert pair.better is None
    assert pair.needed == images_needed(40, 50, 10_000)
    assert pair.verdict == (
        "these 10,000 images cannot tell A from B: +0.10 points [-0.09, 0.29]; at least 71,000 would be needed"
    )


def test_no_difference_has_a_verdict_too() -> None:
    """Equal accuracies name the difference that would have been seen; and models that err alike are said to."""
    (pair,) = compare_models(_right(9800, 50, 50, 100))
    assert pair.needed is None
    assert pair.verdict == (
        "these 10,000 images cannot tell A from B: 50 images only A gets right, 50 only B; a difference of 0.28 points"
        " or more would most likely have been seen"
    )
    (pair,) = compare_models(_right(9800, 0, 0, 200))
    assert pair.verdict == "these 10,000 images cannot tell A from B: both get the same ones right"


def test_several_pairs_are_corrected() -> None:
    """Three models make three pairs, whose p-values are Holm's; what two alone would show may then vanish."""
    right = {**_right(900, 6, 18, 76), "C": np.ones(1000, np.bool_)}
    pairs = compare_models(right)
    assert [(each.a, each.b) for each in pairs] == [("A", "B"), ("A", "C"), ("B", "C")]
    assert [each.p_adjusted for each in pairs] == list(holm([each.p for each in pairs]))
    alone = compare_models(_right(900, 6, 17, 77))[0]
    assert alone.better == "B"
    among = compare_models({**_right(900, 6, 17, 77), "C": _right(900, 6, 17, 77)["A"]})[0]
    assert (among.better, among.p) == (None, alone.p)
    assert among.needed is not None
    assert among.needed > 1000
    assert among.verdict.startswith("these 1,000 images cannot tell A from B among 3 pairs: +1.10 points")


@given(st.tuples(*[st.integers(0, 300)] * 4).filter(any))
def test_verdicts_agree_with_their_numbers(counts: tuple[int, int, int, int]) -> None:
    """A verdict names a better model exactly where the corrected p-value is below 5 %, and then 0 is outside."""
    (pair,) = compare_models(_right(*counts))
    assert (pair.better is not None) == (pair.p_adjusted < 0.05)
    if pair.better:
        assert pair.verdict.startswith(f"{pair.better} is better")
        assert pair.difference.low > 0 or pair.difference.high < 0
    elif pair.needed is not None:
        assert pair.needed > sum(counts)
    assert "-0.00" not in pair.verdict.replace("[-0.00", "")


def test_five_seeds_each_decide_between_recipes() -> None:
    """With five seeds of each there is Welch's interval over the seeds, and a verdict about the recipes."""
    small, large = [930, 934, 928, 931, 929], [960, 958, 963, 961, 957]
    (pair,), notes = compare_recipes(*_recipes(small, large))
    welch = difference([each / 1000 for each in large], [each / 1000 for each in small])
    assert pair.difference == Estimate(welch.mean, welch.low, welch.high)
    assert pair.p_adjusted == welch.p
    assert (pair.a, pair.b) == ("small (A, B, C, D, E)", "large (F, G, H, I, J)")
    assert pair.verdict == (
        "the recipe large (F, G, H, I, J) is better than small (A, B, C, D, E): +2.94 points [2.60, 3.28];"
        " 5 and 5 seeds"
    )
    assert notes == ()
    (turned,), _ = compare_recipes(*_recipes(large, small))
    assert turned.verdict.startswith(
        "the recipe small (A, B, C, D, E) is better than large (F, G, H, I, J): +2.94"
    )


def test_seeds_that_scatter_cannot_tell_recipes_apart() -> None:
    """Where the interval over seeds holds 0, the verdict says that the seeds cannot tell."""
    (pair,), _ = compare_recipes(*_recipes([930, 950, 940, 935, 945], [939, 951, 929, 949, 941]))
    assert pair.verdict.startswith(
        "5 and 5 seeds cannot tell the recipes small (A, B, C, D, E) and large (F, G, H, I, J) apart: +0.18 points"
    )


def test_recipes_that_do_not_scatter_give_no_verdict() -> None:
    """Where no accuracy varies with the seed, no interval can be trusted, and no recipe is called better."""
    (pair,), _ = compare_recipes(*_recipes([930] * 5, [931] * 5))
    assert "no accuracy varies with the seed" in pair.verdict


def test_fewer_than_five_seeds_are_too_few() -> None:
    """With two to four seeds of one recipe the verdict is that five of each are needed."""
    (pair,), _ = compare_recipes(*_recipes([930, 940], [950]))
    assert (pair.difference, pair.p_adjusted) == (None, None)
    assert pair.verdict == (
        "recipes small (A, B) and large (C): at least 5 seeds of each are needed for a verdict, here are 2 and 1"
    )
    assert compare_recipes(*_recipes([930], [950])) == ((), ())
    assert compare_recipes(*_models(SMALL, [930, 940])) == ((), ())


def test_a_seed_counts_once() -> None:
    """The same recipe and seed twice is no second sample: it is left out of the group, and said to be."""
    contestants, recipes = _recipes([930, 934, 928, 931, 929], [960, 958, 963, 961, 957])
    twin = CandidateResult("K", "twin", "small", 4, 1000, proportion(990, 1000))
    (pair,), notes = compare_recipes([*contestants, twin], [*recipes, recipes[4]])
    assert pair.keys_a == ("A", "B", "C", "D", "E")
    assert notes == ("E and K are of the same recipe and seed 4: for the recipe only E counts.",)


def test_what_computes_nothing_makes_no_other_recipe() -> None:
    """Name and source of a recipe tell no two apart; a setting does, under the same name."""
    contestants, recipes = _models(SMALL, [930, 940])
    renamed = [recipes[0], recipes[1].override({"name": "other", "source": "elsewhere"})]
    assert compare_recipes(contestants, renamed) == ((), ())
    changed = [recipes[0], recipes[1].override({"epochs": 3})]
    assert compare_recipes(contestants, changed) == ((), ())
    three, settings = _models(SMALL, [930, 940, 935])
    (pair,), _ = compare_recipes(three, [*settings[:2], settings[2].override({"epochs": 3})])
    assert (pair.a, pair.b) == ("small (A, B)", "small (C)")


def test_several_recipes_are_corrected() -> None:
    """Three recipes make three pairs, whose p-values are Holm's over the pairs."""
    contestants, recipes = _recipes([930, 934, 928, 931, 929], [931, 935, 930, 933, 931])
    third, theirs = _models(SMALL.override({"epochs": 3, "name": "long"}), [940, 942, 941, 939, 938], 10)
    pairs, _ = compare_recipes([*contestants, *third], [*recipes, *theirs])
    assert len(pairs) == 3
    samples = [[each.accuracy.value for each in group] for group in (contestants[:5], contestants[5:], third)]
    raw = [difference(samples[b], samples[a]).p for a, b in ((0, 1), (0, 2), (1, 2))]
    assert [each.p_adjusted for each in pairs] == list(holm(raw))


def test_points_have_no_negative_zero() -> None:
    """A difference that rounds to nothing is written +0.00."""
    assert in_points(Estimate(-0.00001, -0.01, 0.00001)) == "+0.00 points [-1.00, 0.00]"
