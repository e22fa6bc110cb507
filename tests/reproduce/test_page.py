import re
from pathlib import Path

import pytest

import optotype as ot
from optotype.data.splits import stratified_split
from optotype.metrics.welch import mean_difference
from optotype.recipes.builtin import BUILTIN, FALLBACK
from reproduce.accuracy import MARGIN, accuracies
from reproduce.headers import RECIPES, measured, with_line
from reproduce.lessons import LESSONS, seeds
from reproduce.precision import margin
from reproduce.render import PAGE, render
from reproduce.results import FOLDER, Peer, Results, definition, read, shared
from reproduce.timing import read_timing


def kept(recipe: str, peer: Peer) -> Results:
    """Give the results in the repository, which must be there."""
    found = read(recipe, peer)
    assert found is not None, f"results/ has nothing of {recipe} with {peer}: run make reproduce"
    return found


def behind(ours: Results, theirs: Results) -> float:
    """Give the lower end of the interval of the difference in test accuracy, in percentage points."""
    one, other = ([100 * each for each in accuracies(side, "test")] for side in (ours, theirs))
    return mean_difference(one, other).low


def test_results_page_is_up_to_date() -> None:
    """RESULTS.md is what the renderer makes of results/, to the letter."""
    assert PAGE.read_text(encoding="utf-8") == render(FOLDER)


def test_page_without_results_has_a_row_for_each_recipe(tmp_path: Path) -> None:
    """Without results there is a page all the same, with a row for each recipe."""
    page = render(tmp_path)
    assert all(f"\n| {name} | " in page for name in LESSONS)


@pytest.mark.parametrize("name", LESSONS)
def test_recipe_files_state_their_results(name: str) -> None:
    """Above every built-in recipe stands what its results in results/ give."""
    text = (RECIPES / f"{name}.toml").read_text(encoding="utf-8")
    assert text == with_line(text, measured(kept(name, "optotype-fp32")))


@pytest.mark.parametrize("peer", ["keras", "optotype-fp32"])
@pytest.mark.parametrize("name", LESSONS)
def test_results_match_the_current_recipe(name: str, peer: Peer) -> None:
    """Results are of the recipe and split as they are now, with as many seeds as the comparison with Keras needs."""
    recipe, found = ot.load_recipe(name), kept(name, peer)
    assert found.definition == definition(recipe)
    assert (
        found.split
        == stratified_split(ot.load("mnist").labels, recipe.validation, recipe.split_seed).fingerprint
    )
    assert [each.seed for each in found.trainings] == list(range(len(found.trainings)))
    assert len(found.trainings) >= seeds(name, "keras")


@pytest.mark.parametrize("name", LESSONS)
def test_optotype_is_as_accurate_as_keras(name: str) -> None:
    """The interval of the difference to Keras, in percentage points, lies above the margin."""
    keras = kept(name, "keras")
    ours = shared(kept(name, "optotype-fp32"), keras)
    assert ours is not None
    assert behind(ours, keras) > MARGIN


@pytest.mark.parametrize("name", LESSONS)
def test_bf16_is_as_accurate_as_fp32(name: str) -> None:
    """The interval of the difference of bf16 to fp32 lies above its margin, with as many seeds of each as promised."""
    half = kept(name, "optotype-bf16")
    single = kept(name, "optotype-fp32")
    assert half.model_copy(update={"peer": single.peer, "backend": single.backend, "trainings": ()}) == (
        single.model_copy(update={"trainings": ()})
    )
    assert [each.seed for each in half.trainings] == [each.seed for each in single.trainings]
    assert len(half.trainings) >= seeds(name, "optotype-bf16")
    assert behind(half, single) > margin(single)


@pytest.mark.parametrize("name", LESSONS)
def test_every_recipe_has_timings(name: str) -> None:
    """Seconds per epoch are of the recipe as it is now, at least three on each side."""
    timing = read_timing(name)
    assert timing is not None, f"results/ has no seconds of {name}: run make reproduce"
    assert timing.definition == definition(ot.load_recipe(name))
    assert min(len(timing.keras.epochs), len(timing.optotype.epochs)) >= 3


def test_every_built_in_recipe_has_a_lesson() -> None:
    """What is compared with Keras are built-in recipes: all but the default for pictures, which no lesson has."""
    assert set(BUILTIN) - set(LESSONS) == {FALLBACK}


def test_results_contain_no_absolute_path() -> None:
    """Nothing in results/ is an absolute path."""
    for file in sorted(FOLDER.glob("*.json")):
        assert not re.search(r'"(/|[A-Za-z]:\\|~)', file.read_text(encoding="utf-8")), file.name
