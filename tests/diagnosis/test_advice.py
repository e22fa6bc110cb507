"""Commands in advice are ready to be typed."""

import shlex
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from optotype.data.dataset import Options
from optotype.diagnosis.advice import check_command, edit_recipe_advice, judge_command, train_command
from optotype.models.provenance import DataRecord
from optotype.recipes.builtin import BUILTIN, load_recipe
from optotype.recipes.recipe import Recipe
from optotype.runs.run import Run
from tests.runs.samples import RECIPE, small_run

CHANGES = {"optimizer.learning_rate": 0.0003}
OWN = st.fixed_dictionaries(
    {"validation": st.sampled_from([0.25, 1000])},
    optional={
        "optimizer.learning_rate": st.sampled_from([1e-6, 0.05, 3.0, 1e5]),
        "optimizer.type": st.sampled_from(["SGD", "Adam", "RMSprop"]),
        "schedule.type": st.sampled_from(["constant", "one_cycle"]),
        "batch_size": st.integers(1, 1000),
        "epochs": st.integers(1, 99),
        "early_stopping": st.sampled_from(["none", {"patience": 3, "restore_best_weights": False}]),
        "augment": st.sampled_from(["none", {"shift": 2, "flip": True}]),
        "seed": st.integers(0, 9),
    },
)


class FakeRun(Run):
    """A run that has only a recipe and a source."""

    def __init__(self, recipe: Recipe, source: str, options: Options | None = None) -> None:
        self.path = Path("runs/a run")
        self._recipe, self._source, self._options = recipe, source, options or Options()

    @property
    def recipe(self) -> Recipe:
        """The recipe."""
        return self._recipe

    @property
    def source(self) -> str:
        """The source."""
        return self._source

    @property
    def data(self) -> DataRecord:
        """A record of the data."""
        return DataRecord(
            name="data",
            source=self.source,
            options=self._options,
            images=1,
            shape=(1, 1, 1),
            fingerprint="",
            test_images=1,
            test_fingerprint="",
        )


@given(name=st.sampled_from(BUILTIN), own=OWN)
def test_the_command_repeats_the_training_with_the_change(name: str, own: dict[str, object]) -> None:
    """Parsed by a shell and by `--set`, the command gives the run's recipe with the change, for any settings."""
    recipe = load_recipe(name).override(own)
    words = shlex.split(train_command(FakeRun(recipe, "/a folder/of 'pictures'"), CHANGES))
    assert words[:5] == ["optotype", "train", "/a folder/of 'pictures'", "--recipe", name]
    assert set(words[5::2]) <= {"--set"}
    pairs: dict[str, object] = {}
    for setting in words[6::2]:
        key, _, value = setting.partition("=")
        pairs[key] = value
    typed, expected = load_recipe(name).override(pairs), recipe.override(CHANGES)
    excluded = {"augment"} if load_recipe(name).augment == "auto" else set()
    assert typed.model_dump(exclude=excluded) == expected.model_dump(exclude=excluded)


def test_options_of_loading_are_repeated() -> None:
    """--size and --on-bad follow the source."""
    run = FakeRun(load_recipe("pictures-quick"), "photos", Options(size=48, on_bad="skip"))
    assert train_command(run, {}) == "optotype train photos --size 48 --on-bad skip --recipe pictures-quick"
    assert check_command(run) == "optotype data photos --size 48 --on-bad skip --check"


def test_additional_images_are_added_again() -> None:
    """Training commands, also in Python, repeat the folder; the check is of the source alone."""
    options = Options(size=48, add="/new pictures")
    run = FakeRun(load_recipe("pictures-quick"), "photos", options)
    assert train_command(run, {}) == (
        "optotype train photos --size 48 --add '/new pictures' --recipe pictures-quick"
    )
    assert "(optotype train photos --size 48 --add '/new pictures' --recipe my.toml)" in edit_recipe_advice(
        run, "x"
    )
    assert check_command(run) == "optotype data photos --size 48 --check"
    custom = FakeRun(RECIPE, "photos", options)
    assert train_command(custom, {}).startswith(
        "train(load('photos', size=48, add='/new pictures'), run.recipe"
    )


def test_runs_without_a_command_get_python(tmp_path: Path) -> None:
    """Advice for arrays in memory and for recipes that are not built in is Python code."""
    custom = small_run(tmp_path / "run", source="digits")
    assert train_command(custom, CHANGES) == (
        "train(load('digits'), run.recipe.override({'optimizer.learning_rate': 0.0003}))"
    )
    arrays = FakeRun(load_recipe("mnist-quick"), "arrays")
    assert train_command(arrays, {}) == "train(data, run.recipe.override({}))"
    assert check_command(arrays) == "check(data)"
    assert edit_recipe_advice(arrays, "add units") == "add units in the recipe's layers, and train again"


def test_a_recipe_is_edited_as_a_file() -> None:
    """Layers are changed in a file that the command line writes."""
    advice = edit_recipe_advice(FakeRun(load_recipe("dnn-sigmoid"), "mnist"), "replace sigmoid by relu")
    assert "optotype recipes dnn-sigmoid > my.toml" in advice
    assert "optotype train mnist --recipe my.toml" in advice


def test_the_path_of_the_run_is_quoted() -> None:
    """A path with a space is quoted in the command that judges on other images."""
    assert (
        judge_command(FakeRun(load_recipe("mnist-quick"), "mnist"))
        == "optotype judge 'runs/a run' --data MORE"
    )
