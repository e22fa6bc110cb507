"""Overrides: dotted keys and TOML values that change a recipe."""

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
def test_override_sets_one_setting(changes: dict[str, object], expected: dict[str, object]) -> None:
    """A change sets the named setting, parsed as TOML, and no other."""
    assert _BASE.override(changes) == _BASE.model_copy(update=expected)


def test_override_applies_to_an_optimizer_object() -> None:
    """A change of a setting applies to an optimizer that is passed as an object."""
    recipe = _BASE.override({"optimizer": SGD(0.1, 0.9), "optimizer.learning_rate": 0.2})
    assert recipe.optimizer == SGD(0.2, 0.9)


def test_none_removes_early_stopping() -> None:
    """The value "none" removes early stopping from a recipe."""
    stopping = _BASE.override({"early_stopping.patience": 3})
    assert stopping.override({"early_stopping": "none"}) == _BASE


@pytest.mark.parametrize(
    ("changes", "message"),
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
        ({"layers": "[]"}, "'layers' cannot be overridden"),
        ({"layers.0.units": "3"}, "'layers.0.units' cannot be overridden"),
        ({"epochs.x": "1"}, "'epochs.x' is not a recipe key: 'epochs' is a single value."),
        ({"a.b.c": 1}, "'a.b.c' is not a recipe key"),
        ({"": 1}, "'' is not a recipe key"),
        ({"optimizer.": 1}, "'optimizer.' is not a recipe key"),
        ({"epochs": "1\nb = 2"}, "'epochs' is '1\\nb = 2', expected a whole number."),
        ({"epochs": "9" * 5000}, "'epochs' is '99999"),
        ({"early_stopping.patience": "1", "validation": "0"}, "early_stopping but validation = 0"),
    ],
)
def test_invalid_override_raises_recipe_error(changes: dict[str, object], message: str) -> None:
    """An invalid change raises a RecipeError that names its key."""
    with pytest.raises(RecipeError) as excinfo:
        _BASE.override(changes)
    assert message in str(excinfo.value)


@given(st.dictionaries(st.sampled_from([*Recipe.model_fields, "optimizer.type", "x"]) | st.text(), st.text()))
def test_any_override_text_gives_a_recipe_or_recipe_error(changes: dict[str, object]) -> None:
    """Any text from a command line gives a recipe or a RecipeError."""
    with contextlib.suppress(RecipeError):
        _BASE.override(changes)
