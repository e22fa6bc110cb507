"""Overrides: dotted keys and TOML values laid over a recipe."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optotype.engine.layers import Dense, Flatten
from optotype.engine.optimizers import SGD, Adam
from optotype.engine.schedules import Constant, OneCycle
from optotype.errors import RecipeError
from optotype.recipes.recipe import EarlyStopping, Recipe

_BASE = Recipe(layers=(Flatten(), Dense(3)), optimizer=Adam(0.5, beta_1=0.1), schedule=OneCycle())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {}),
        ({"epochs": "3"}, {"epochs": 3}),
        ({"epochs": 3, "seed": "1_000"}, {"epochs": 3, "seed": 1000}),
        ({"validation": "0.25"}, {"validation": 0.25}),
        ({"validation": "5000"}, {"validation": 5000}),
        ({"pixels": "raw"}, {"pixels": "raw"}),
        ({"pixels": '"raw"'}, {"pixels": "raw"}),
        ({"name": "my recipe"}, {"name": "my recipe"}),
        ({"name": "5"}, {"name": "5"}),
        ({"optimizer.learning_rate": "0.03"}, {"optimizer": Adam(0.03, beta_1=0.1)}),
        ({"optimizer.type": "SGD"}, {"optimizer": SGD()}),
        ({"optimizer.type": "Adam"}, {"optimizer": Adam()}),
        ({"optimizer.momentum": "0.9", "optimizer.type": "SGD"}, {"optimizer": SGD(momentum=0.9)}),
        ({"optimizer": "{type = 'SGD', momentum = 0.5}"}, {"optimizer": SGD(momentum=0.5)}),
        ({"optimizer": SGD(3)}, {"optimizer": SGD(3)}),
        ({"schedule.type": "constant"}, {"schedule": Constant()}),
        ({"schedule.pct_start": "0.1"}, {"schedule": OneCycle(0.1)}),
        ({"early_stopping.patience": "7"}, {"early_stopping": EarlyStopping(patience=7)}),
        ({"early_stopping": "{}"}, {"early_stopping": EarlyStopping()}),
        ({"early_stopping": "none"}, {}),
    ],
)
def test_override(changes: dict[str, object], expected: dict[str, object]) -> None:
    """A change reaches the setting it names, read as TOML, and no other."""
    assert _BASE.override(changes) == _BASE.model_copy(update=expected)


def test_a_table_may_be_an_object() -> None:
    """An optimizer given as an object is what a change of its settings is laid over."""
    recipe = _BASE.override({"optimizer": SGD(0.1, 0.9), "optimizer.learning_rate": 0.2})
    assert recipe.optimizer == SGD(0.2, 0.9)


def test_early_stopping_can_be_taken_away() -> None:
    """The word none takes early stopping out of a recipe that has it."""
    stopping = _BASE.override({"early_stopping.patience": 3})
    assert stopping.override({"early_stopping": "none"}) == _BASE


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"optimizer.learningrate": "0.03"},
            "Did you mean 'optimizer.learning_rate'? Known: optimizer.beta_1",
        ),
        ({"optimzer.learning_rate": "0.03"}, "Unknown recipe key 'optimzer'. Did you mean 'optimizer'?"),
        (
            {"schedule.type": "constant", "schedule.pct_start": "0.2"},
            "Unknown recipe key 'schedule.pct_start'.",
        ),
        ({"layers": "[]"}, "'layers' cannot be set on its own: layers are changed in a recipe file."),
        ({"layers.0.units": "3"}, "'layers.0.units' cannot be set on its own"),
        ({"epochs.x": "1"}, "'epochs.x' is not a recipe key: 'epochs' is a single value."),
        ({"a.b.c": 1}, "'a.b.c' is not a recipe key, expected one like"),
        ({"": 1}, "'' is not a recipe key"),
        ({"optimizer.": 1}, "'optimizer.' is not a recipe key"),
        ({"epochs": "1\nb = 2"}, "'epochs' is '1\\nb = 2', expected a whole number."),
        ({"epochs": "9" * 5000}, "'epochs' is '99999"),
        ({"early_stopping.patience": "1", "validation": "0"}, "early_stopping but validation = 0"),
    ],
)
def test_refused(changes: dict[str, object], sentence: str) -> None:
    """A change that cannot be made is refused in a sentence that names its key."""
    with pytest.raises(RecipeError) as caught:
        _BASE.override(changes)
    assert sentence in str(caught.value)


@given(st.dictionaries(st.sampled_from([*Recipe.model_fields, "optimizer.type", "x"]) | st.text(), st.text()))
def test_any_text_overrides_or_is_refused(changes: dict[str, object]) -> None:
    """Whatever text a command line brings, the result is a recipe or a RecipeError."""
    with contextlib.suppress(RecipeError):
        _BASE.override(changes)
