"""Measured uncertainty: images in another shape, one training, and the tables."""

from pathlib import Path

import numpy as np
import pytest

import optotype as ot
from reproduce import uncertainty, uncertainty_results
from reproduce.results import write
from reproduce.uncertainty_results import Subject, Trained, UncertaintyResults, uncertainty_section


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (5, 7, 3)])
@pytest.mark.parametrize("original", [(28, 28, 1), (32, 32, 3)])
def test_images_are_converted_to_another_shape(
    original: tuple[int, int, int], shape: tuple[int, int, int]
) -> None:
    """Grey and colour images are converted to either; images of the shape are unchanged; brightness is preserved."""
    images = np.random.default_rng(0).integers(0, 256, (5, *original), np.uint8)
    converted = uncertainty.in_shape(images, shape)
    assert converted.shape == (5, *shape)
    assert converted.mean() == pytest.approx(images.mean(), abs=6)
    if original == shape:
        np.testing.assert_array_equal(converted, images)


def test_training_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One short training on MNIST reaches its target coverage and distinguishes noise from digits."""
    monkeypatch.setattr(uncertainty, "CACHE", tmp_path)
    data = ot.load("mnist")
    opened = ot.open_test(data, tmp_path)
    recipe = ot.load_recipe("mlp-32-16").override({"epochs": 2, "validation": 5000})
    training = uncertainty.measure(recipe, data, "mnist", {"mnist": opened})
    assert training.coverage >= 0.98
    assert training.ece_after < 0.05
    assert 0.002 < training.novelty_rate < 0.03
    assert set(training.auroc) == {"noise", "blanks"}
    assert min(training.auroc.values()) > 0.97


def test_saved_trainings_are_listed_in_both_tables(tmp_path: Path) -> None:
    """Saved results are read again, and both tables have a row for each data set and recipe."""
    subjects = (
        Subject(data="a", recipe="r", trainings=(_trained(1, 0.9), _trained(2, 0.8))),
        Subject(data="b", recipe="r", trainings=(_trained(1, 0.7),)),
    )
    write(UncertaintyResults(subjects=subjects), tmp_path / uncertainty_results.FILE)
    _, own_table, _, other_table = uncertainty_section(tmp_path)
    assert "| a | r | 2 | 0.8500 (0.8000 to 0.9000) |" in own_table
    assert "| b | r | 1 | 0.7000 (0.7000 to 0.7000) |" in own_table
    assert "| a | r | 0.9900 (80 %) |" in other_table
    assert uncertainty_results.read(tmp_path).subjects == subjects


def test_section_without_results_has_the_command(tmp_path: Path) -> None:
    """Without results the section names the command."""
    assert "reproduce.uncertainty" in uncertainty_section(tmp_path)[0]


def _trained(seed: int, accuracy: float) -> Trained:
    return Trained(
        seed=seed,
        accuracy=accuracy,
        temperature=1.1,
        ece_before=0.02,
        ece_after=0.01,
        coverage=0.99,
        set_size=1.1,
        novelty_rate=0.01,
        auroc={"noise": 0.99},
        detection_rate={"noise": 0.8},
    )
