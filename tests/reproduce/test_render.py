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
from reproduce.results import FOLDER, Peer, Results, definition, read, with_common_seeds
from reproduce.timing import read_timing


def saved_results(recipe: str, peer: Peer) -> Results:
    """Return the results in the repository; they must exist."""
    results = read(recipe, peer)
    assert results is not None, f"results/ has nothing of {recipe} with {peer}: run make reproduce"
    return results


def lower_bound_of_difference(a: Results, b: Results) -> float:
    """Return the lower end of the interval of the difference a - b in test accuracy, in percentage points."""
    a_points, b_points = ([100 * accuracy for accuracy in accuracies(side, "test")] for side in (a, b))
    return mean_difference(a_points, b_points).low


def test_results_page_is_up_to_date() -> None:
    """RESULTS.md equals the page that is rendered from results/."""
    assert PAGE.read_text(encoding="utf-8") == render(FOLDER)


def test_page_without_results_has_a_row_for_each_recipe(tmp_path: Path) -> None:
    """Without results the page still has a row for each recipe."""
    page = render(tmp_path)
    assert all(f"\n| {name} | " in page for name in LESSONS)


@pytest.mark.parametrize("name", LESSONS)
def test_recipe_files_state_their_results(name: str) -> None:
    """The file of every built-in recipe has the line of its results in results/."""
    text = (RECIPES / f"{name}.toml").read_text(encoding="utf-8")
    assert text == with_line(text, measured(saved_results(name, "optotype-fp32")))


@pytest.mark.parametrize("peer", ["keras", "optotype-fp32"])
@pytest.mark.parametrize("name", LESSONS)
def test_results_match_the_current_recipe(name: str, peer: Peer) -> None:
    """Results belong to the current recipe and split, with as many seeds as the comparison with Keras requires."""
    recipe, results = ot.load_recipe(name), saved_results(name, peer)
    assert results.definition == definition(recipe)
    assert (
        results.split
        == stratified_split(ot.load("mnist").labels, recipe.validation, recipe.split_seed).fingerprint
    )
    assert [training.seed for training in results.trainings] == list(range(len(results.trainings)))
    assert len(results.trainings) >= seeds(name, "keras")


@pytest.mark.parametrize("name", LESSONS)
def test_optotype_is_as_accurate_as_keras(name: str) -> None:
    """The interval of the difference to Keras, in percentage points, is above the margin."""
    keras = saved_results(name, "keras")
    optotype = with_common_seeds(saved_results(name, "optotype-fp32"), keras)
    assert optotype is not None
    assert lower_bound_of_difference(optotype, keras) > MARGIN


@pytest.mark.parametrize("name", LESSONS)
def test_bf16_is_as_accurate_as_fp32(name: str) -> None:
    """The interval of the difference of bf16 to fp32 is above its margin, with the required number of seeds of each."""
    half = saved_results(name, "optotype-bf16")
    single = saved_results(name, "optotype-fp32")
    assert half.model_copy(update={"peer": single.peer, "backend": single.backend, "trainings": ()}) == (
        single.model_copy(update={"trainings": ()})
    )
    assert [training.seed for training in half.trainings] == [training.seed for training in single.trainings]
    assert len(half.trainings) >= seeds(name, "optotype-bf16")
    assert lower_bound_of_difference(half, single) > margin(single)


@pytest.mark.parametrize("name", LESSONS)
def test_every_recipe_has_timings(name: str) -> None:
    """Seconds per epoch belong to the current recipe, with at least three values per library."""
    timing = read_timing(name)
    assert timing is not None, f"results/ has no seconds of {name}: run make reproduce"
    assert timing.definition == definition(ot.load_recipe(name))
    assert min(len(timing.keras.epochs), len(timing.optotype.epochs)) >= 3


def test_every_built_in_recipe_has_a_lesson() -> None:
    """All built-in recipes are compared with Keras, except the default for image files, which has no lesson."""
    assert set(BUILTIN) - set(LESSONS) == {FALLBACK}


def test_results_contain_no_absolute_path() -> None:
    """No file in results/ contains an absolute path."""
    for file in sorted(FOLDER.glob("*.json")):
        assert not re.search(r'"(/|[A-Za-z]:\\|~)', file.read_text(encoding="utf-8")), file.name
