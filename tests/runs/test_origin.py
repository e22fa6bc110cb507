"""Reloading the data of a run: equal data with additional images, or an error."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from optotype.data.load import load
from optotype.errors import DataError
from optotype.runs.origin import Origin, read_origin, reload_data
from optotype.training.train import train
from tests.training.samples import pictures, recipe, write_folder, write_pictures


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Write a folder of 200 training and 60 test images."""
    return write_folder(tmp_path / "digits", 200, 60)


@pytest.fixture
def added(tmp_path: Path) -> Path:
    """Write 20 additional images into class folders."""
    return write_pictures(tmp_path / "added", *pictures(20, 8))


@pytest.fixture
def origin(source: Path, added: Path, tmp_path: Path) -> Origin:
    """Train with additional images and return the model's origin."""
    return read_origin(train(load(source, add=added), recipe(epochs=1), out=tmp_path / "run").model)


def test_reload(origin: Origin, source: Path, added: Path) -> None:
    """Data and split equal those of the training; without additional images, those of the source."""
    data, split = reload_data(origin, recipe())
    source_data, source_split = reload_data(origin, recipe(), with_added=False)
    assert data.fingerprint == load(source, add=added).fingerprint
    assert source_data.fingerprint == load(source).fingerprint
    np.testing.assert_array_equal(split.validation, source_split.validation)
    assert len(split.train) == len(source_split.train) + 20
    reused, _ = reload_data(origin, recipe(), data, with_added=False)
    assert reused is data


def test_changed_additional_images(origin: Origin, source: Path, added: Path) -> None:
    """Additional images that are new or missing raise a DataError with their number and advice."""
    write_pictures(added / "5", *pictures(3, 9))
    for data, number in ((None, 23), (load(source, add=added), 23), (load(source), 0)):
        with pytest.raises(DataError) as caught:
            reload_data(origin, recipe(), data)
        assert f"{number} now, expected the 20 that were in {added}. Train again" in str(caught.value)
        assert "train with a copy of their folder" in str(caught.value)
    assert reload_data(origin, recipe(), with_added=False)


def test_additional_images_of_another_run(source: Path, added: Path, tmp_path: Path) -> None:
    """Additional images raise a DataError for a run that was trained without any."""
    origin = read_origin(train(load(source), recipe(epochs=1), out=tmp_path / "run").model)
    with pytest.raises(DataError, match="20 now, expected none"):
        reload_data(origin, recipe(), load(source, add=added))


def test_missing_folder(origin: Origin, source: Path, added: Path) -> None:
    """A missing folder raises a DataError that names it; the images may be loaded from another folder."""
    shutil.move(added, added.with_name("moved"))
    with pytest.raises(DataError, match=r"The folder .*added with additional images"):
        reload_data(origin, recipe())
    assert reload_data(origin, recipe(), load(source, add=added.with_name("moved")))
