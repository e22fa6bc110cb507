from pathlib import Path

import pytest

from reproduce.precision import margin, precision_table
from reproduce.results import add_trainings
from tests.reproduce.examples import results, training


@pytest.mark.parametrize(("reached", "least"), [(0.9899, -0.3), (0.99, -0.1)])
def test_margin_depends_on_the_fp32_accuracy(reached: float, least: float) -> None:
    """The margin is 0.1 points for networks that reach 99 % in fp32, and 0.3 points for others."""
    assert margin(results("mlp-784", "optotype-fp32", [training(0, reached)])) == least


def test_row_requires_both_precisions(tmp_path: Path) -> None:
    """A recipe is listed if it was trained in both precisions; the difference is bf16 minus fp32."""
    assert precision_table("test", tmp_path) == "Not measured yet."
    add_trainings(results("mlp-784", "optotype-fp32", [training(0, 0.980), training(1, 0.982)]), tmp_path)
    assert precision_table("test", tmp_path) == "Not measured yet."
    add_trainings(results("mlp-784", "optotype-bf16", [training(0, 0.970), training(1, 0.972)]), tmp_path)
    row = precision_table("test", tmp_path).splitlines()[-1]
    start = "| mlp-784 | 0.9810 (0.9800 to 0.9820) | 2 | 0.9710 (0.9700 to 0.9720) | 2 | -1.00 |"
    assert row.startswith(start)
    assert row.endswith("| -0.3 | **no** |")


def test_validation_table_lists_recipes_with_validation(tmp_path: Path) -> None:
    """The table of validation images lists only recipes that have some."""
    for name, losses in (("mlp-784", []), ("mnist-quick", [0.1])):
        for peer in ("optotype-fp32", "optotype-bf16"):
            add_trainings(results(name, peer, [training(seed, 0.99, losses) for seed in (0, 1)]), tmp_path)
    (row,) = precision_table("validation", tmp_path).splitlines()[2:]
    assert row.startswith("| mnist-quick | ")
    assert row.endswith("| +0.00 | +0.00 to +0.00 | -0.1 | yes |")
