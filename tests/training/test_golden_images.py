"""The golden images that a model file stores with the model's logits."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from optotype.models.golden import GoldenImages
from optotype.models.model import Model
from optotype.recipes.recipe import EarlyStopping
from optotype.training.golden_images import choose_golden_rows
from optotype.training.plan import split_validation
from optotype.training.train import train
from tests.training.samples import dataset, recipe


@pytest.mark.parametrize("early", [False, True])
def test_a_run_ends_with_golden_images(tmp_path: Path, early: bool) -> None:
    """The model file has 32 calibration images, three or four of each class, with the model's logits."""
    early_stopping = EarlyStopping(patience=9) if early else None
    small = recipe(validation=201, early_stopping=early_stopping)
    data = dataset(600)
    run = train(data, small, out=tmp_path / "run")
    model = Model.load(run.model_path)
    assert model.golden is not None
    calibration = split_validation(small, data.labels, run.split)[1]
    places = [np.flatnonzero((data.images == image).all(axis=(1, 2, 3))) for image in model.golden.images]
    rows = np.concatenate(places)
    assert np.isin(rows, calibration).all()
    assert set(np.bincount(data.labels[rows])) == {3, 4}
    np.testing.assert_allclose(model.golden.logits, model.logits(data.images[rows]), rtol=1e-4, atol=1e-4)


def test_without_validation_golden_images_are_training_images(tmp_path: Path) -> None:
    """Without validation images, training images are stored."""
    run = train(dataset(), recipe(validation=0), out=tmp_path / "run")
    assert run.model.golden is not None
    assert len(run.model.golden.images) == 32
    assert run.model.calibration is None


def test_logits_that_are_not_finite_leave_no_golden_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a logit is not finite, the run still has a model, without golden images and with the reason."""

    def record(_: object, images: NDArray[np.uint8]) -> GoldenImages:
        return GoldenImages(images, np.full((len(images), 10), np.nan, np.float32))

    monkeypatch.setattr(GoldenImages, "compute", record)
    model = train(dataset(), recipe(), out=tmp_path / "run").model
    assert model.golden is None
    assert "not finite" in str(model.provenance.no_golden)


@given(labels=st.lists(st.integers(0, 40), min_size=1, max_size=90), data=st.data())
def test_classes_take_turns(labels: list[int], data: st.DataObject) -> None:
    """No image repeats, up to 32 are chosen, and a class with images left is at most one behind any other."""
    candidates = data.draw(st.lists(st.integers(0, len(labels) - 1), min_size=1))
    rows = choose_golden_rows(np.array(labels), np.array(candidates))
    assert len(set(rows.tolist())) == len(rows) == min(32, len(set(candidates)))
    available = np.bincount([labels[row] for row in set(candidates)], minlength=41)
    chosen = np.bincount([labels[row] for row in rows], minlength=41)
    assert (chosen[chosen < available] >= chosen.max() - 1).all()


def test_preferred_candidates_come_first() -> None:
    """The first candidates of each class are chosen; a class that only later candidates have is represented too."""
    labels = np.array([0, 0, 1, 1, 2])
    assert choose_golden_rows(labels, np.array([3, 1, 3, 0, 2, 4])).tolist() == [3, 1, 4, 0, 2]
