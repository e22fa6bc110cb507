"""How well models know their limits: images of other sets in a model's shape, one training measured, and the tables."""

from pathlib import Path

import numpy as np
import pytest

import optotype as ot
from reproduce import limits, trust
from reproduce.limits import Limits, Subject, Trained, limits_section
from reproduce.results import write


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (5, 7, 3)])
@pytest.mark.parametrize("given", [(28, 28, 1), (32, 32, 3)])
def test_images_are_brought_into_another_shape(
    given: tuple[int, int, int], shape: tuple[int, int, int]
) -> None:
    """Grey and coloured images become either; those that have the shape stay as they are, and brightness is kept."""
    images = np.random.default_rng(0).integers(0, 256, (5, *given), np.uint8)
    brought = trust.in_shape(images, shape)
    assert brought.shape == (5, *shape)
    assert brought.mean() == pytest.approx(images.mean(), abs=6)
    if given == shape:
        np.testing.assert_array_equal(brought, images)


def test_a_training_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One short training on MNIST covers what it promises, and knows noise from digits."""
    monkeypatch.setattr(trust, "CACHE", tmp_path)
    data = ot.load("mnist")
    opened = ot.open_test(data, tmp_path)
    recipe = ot.load_recipe("mlp-32-16").override({"epochs": 2, "validation": 5000})
    found = trust.measure(recipe, data, "mnist", {"mnist": opened})
    assert found.coverage >= 0.98
    assert found.ece_after < 0.05
    assert 0.002 < found.rejected < 0.03
    assert set(found.areas) == {"noise", "blanks"}
    assert min(found.areas.values()) > 0.97


def test_trainings_are_kept_beside_one_another(tmp_path: Path) -> None:
    """What was kept is read again, and both tables have a row for each data set and recipe."""
    subjects = (
        Subject(data="a", recipe="r", trainings=(_trained(1, 0.9), _trained(2, 0.8))),
        Subject(data="b", recipe="r", trainings=(_trained(1, 0.7),)),
    )
    write(Limits(subjects=subjects), tmp_path / limits.FILE)
    _, own, _, others = limits_section(tmp_path)
    assert "| a | r | 2 | 0.8500 (0.8000 to 0.9000) |" in own
    assert "| b | r | 1 | 0.7000 (0.7000 to 0.7000) |" in own
    assert "| a | r | 0.9900 (80 %) |" in others
    assert limits.read(tmp_path).subjects == subjects


def test_without_results_the_command_is_named(tmp_path: Path) -> None:
    """Before anything was measured the page says how to."""
    assert "reproduce.trust" in limits_section(tmp_path)[0]


def _trained(seed: int, accuracy: float) -> Trained:
    return Trained(
        seed=seed,
        accuracy=accuracy,
        temperature=1.1,
        ece_before=0.02,
        ece_after=0.01,
        coverage=0.99,
        set_size=1.1,
        rejected=0.01,
        areas={"noise": 0.99},
        caught={"noise": 0.8},
    )
