import pytest

from reproduce.accuracy import Pair, accuracy_table, early_table, first_epoch_line
from tests.reproduce.examples import results, training


def pair(recipe: str, keras_accuracies: list[float], optotype_accuracies: list[float]) -> Pair:
    """Create results of both libraries with one training for each accuracy."""
    keras = results(recipe, "keras", [training(seed, value) for seed, value in enumerate(keras_accuracies)])
    optotype = results(
        recipe, "optotype-fp32", [training(seed, value) for seed, value in enumerate(optotype_accuracies)]
    )
    return Pair(recipe, keras, optotype)


@pytest.mark.parametrize(
    ("accuracies", "is_kept"), [([0.981, 0.983, 0.982], "yes"), ([0.978, 0.980, 0.979], "**no**")]
)
def test_verdict_uses_the_lower_end_of_the_interval(accuracies: list[float], is_kept: str) -> None:
    """The margin is kept if the interval's lower end is above -0.3 percentage points."""
    row = accuracy_table([pair("mlp-784", [0.980, 0.982, 0.981], accuracies)], "test").splitlines()[-1]
    assert row.endswith(f"| {is_kept} |")


def test_row_has_lesson_means_and_ranges() -> None:
    """A row has the lesson's accuracy, then mean, range and number of seeds of both libraries."""
    row = accuracy_table([pair("mlp-512-512", [0.98, 0.99], [0.985, 0.985, 0.985])], "test").splitlines()[-1]
    expected = (
        "| mlp-512-512 | 0.9790 | 0.9850 (0.9800 to 0.9900) | 2 | 0.9850 (0.9850 to 0.9850) | 3 | +0.00 |"
    )
    assert row.startswith(expected)


def test_missing_results_are_shown_as_dashes() -> None:
    """A recipe without results has a row of dashes."""
    row = accuracy_table([Pair("mlp-784", None, None)], "test").splitlines()[-1]
    assert row == "| mlp-784 | 0.9818 (error 1.82 %) | - | 0 | - | 0 | - | - | - |"


def test_early_stopping_table_has_epochs_and_best_epoch() -> None:
    """The table of early stopping has the trained epochs and the best epoch, the one with the lowest loss."""
    stopped = [training(0, 0.98, [0.3, 0.1, 0.2, 0.2]), training(1, 0.97, [0.1, 0.2, 0.3])]
    name = "mlp-300-300-early"
    table = early_table(Pair(name, results(name, "keras", stopped), None))
    assert "| Keras | 3.5 (3.0 to 4.0) | 1.5 (1.0 to 2.0) | 0.1000 (0.1000 to 0.1000) |" in table


def test_first_epoch_line_has_training_accuracy() -> None:
    """The line about dnn-sigmoid has the training accuracy after the first epoch."""
    line = first_epoch_line(pair("dnn-sigmoid", [0.9, 0.9], [0.9, 0.9]))
    assert line.endswith(
        "It is 0.1250 (0.1250 to 0.1250) with Keras, 0.1250 (0.1250 to 0.1250) with optotype."
    )
