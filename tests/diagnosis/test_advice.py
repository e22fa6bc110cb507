"""The commands that are given as advice can be typed as they stand."""

import shlex
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from optotype.data.dataset import Options
from optotype.diagnosis.advice import edit_recipe, examine_data, judge_on_more, train_again
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


class Told(Run):
    """A run of which only the recipe and the source are known."""

    def __init__(self, recipe: Recipe, source: str, options: Options | None = None) -> None:
        self.path = Path("runs/a run")
        self._told = recipe, source, options or Options()

    @property
    def recipe(self) -> Recipe:
        """As told."""
        return self._told[0]

    @property
    def source(self) -> str:
        """As told."""
        return self._told[1]

    @property
    def data(self) -> DataRecord:
        """As told."""
        return DataRecord(
            name="told",
            source=self.source,
            options=self._told[2],
            images=1,
            shape=(1, 1, 1),
            fingerprint="",
            test_images=1,
            test_fingerprint="",
        )


@given(name=st.sampled_from(BUILTIN), own=OWN)
def test_the_command_trains_the_same_but_for_the_change(name: str, own: dict[str, object]) -> None:
    """Read as a shell and `--set` read it, the command gives the run's recipe with the change, whatever was set."""
    recipe = load_recipe(name).override(own)
    words = shlex.split(train_again(Told(recipe, "/a folder/of 'pictures'"), CHANGES))
    assert words[:5] == ["optotype", "train", "/a folder/of 'pictures'", "--recipe", name]
    assert set(words[5::2]) <= {"--set"}
    pairs: dict[str, object] = {}
    for setting in words[6::2]:
        key, _, value = setting.partition("=")
        pairs[key] = value
    typed, expected = load_recipe(name).override(pairs), recipe.override(CHANGES)
    without = {"augment"} if load_recipe(name).augment == "auto" else set()
    assert typed.model_dump(exclude=without) == expected.model_dump(exclude=without)


def test_options_of_loading_are_repeated() -> None:
    """Size and what is done with bad pictures go with the source."""
    run = Told(load_recipe("pictures-quick"), "photos", Options(size=48, on_bad="skip"))
    assert train_again(run, {}) == "optotype train photos --size 48 --on-bad skip --recipe pictures-quick"
    assert examine_data(run) == "optotype data photos --size 48 --on-bad skip --check"


def test_what_was_added_is_added_again() -> None:
    """The folder goes with every training, on the command line and in Python; only the source itself is examined."""
    options = Options(size=48, add="/new pictures")
    run = Told(load_recipe("pictures-quick"), "photos", options)
    assert train_again(run, {}) == (
        "optotype train photos --size 48 --add '/new pictures' --recipe pictures-quick"
    )
    assert "(optotype train photos --size 48 --add '/new pictures' --recipe my.toml)" in edit_recipe(run, "x")
    assert examine_data(run) == "optotype data photos --size 48 --check"
    own = Told(RECIPE, "photos", options)
    assert train_again(own, {}).startswith("train(load('photos', size=48, add='/new pictures'), run.recipe")


def test_what_no_command_can_name_is_python(tmp_path: Path) -> None:
    """Arrays in memory and recipes that are not built in are trained again in Python."""
    own = small_run(tmp_path / "run", source="digits")
    assert train_again(own, CHANGES) == (
        "train(load('digits'), run.recipe.override({'optimizer.learning_rate': 0.0003}))"
    )
    arrays = Told(load_recipe("mnist-quick"), "arrays")
    assert train_again(arrays, {}) == "train(data, run.recipe.override({}))"
    assert examine_data(arrays) == "check(data)"
    assert edit_recipe(arrays, "add units") == "add units in the recipe's layers, and train again"


def test_a_recipe_is_edited_as_a_file() -> None:
    """Layers are changed in a file that the command line writes."""
    said = edit_recipe(Told(load_recipe("dnn-sigmoid"), "mnist"), "replace sigmoid by relu")
    assert "optotype recipes dnn-sigmoid > my.toml" in said
    assert "optotype train mnist --recipe my.toml" in said


def test_other_pictures_are_judged_with_the_run() -> None:
    """The path of the run is quoted."""
    assert (
        judge_on_more(Told(load_recipe("mnist-quick"), "mnist")) == "optotype judge 'runs/a run' --data MORE"
    )
