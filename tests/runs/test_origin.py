"""The data of a run are found again as they were, with what was added to them, or refused."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from optotype.data.load import load
from optotype.errors import DataError
from optotype.runs.origin import Origin, read_origin, reload
from optotype.training.train import train
from tests.training.samples import pictures, recipe, write_folder, write_pictures


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Write a folder of 200 training and 60 test pictures."""
    return write_folder(tmp_path / "digits", 200, 60)


@pytest.fixture
def added(tmp_path: Path) -> Path:
    """Write 20 other pictures into class folders."""
    return write_pictures(tmp_path / "added", *pictures(20, 8))


@pytest.fixture
def origin(source: Path, added: Path, tmp_path: Path) -> Origin:
    """Train with those, and say where the model comes from."""
    return read_origin(train(load(source, add=added), recipe(epochs=1), out=tmp_path / "run").model)


def test_what_was_added_is_loaded_again(origin: Origin, source: Path, added: Path) -> None:
    """Data and split come out as they were trained on; without what was added, as the source has them."""
    whole, split = reload_data(origin, recipe())
    plain, own = reload_data(origin, recipe(), with_added=False)
    assert whole.fingerprint == load(source, add=added).fingerprint
    assert plain.fingerprint == load(source).fingerprint
    np.testing.assert_array_equal(split.validation, own.validation)
    assert len(split.train) == len(own.train) + 20
    given, _ = reload_data(origin, recipe(), whole, with_added=False)
    assert given is whole


def test_other_pictures_are_refused(origin: Origin, source: Path, added: Path) -> None:
    """Pictures that came since, are missing or are not given are counted, and it is said what to do."""
    write_pictures(added / "5", *pictures(3, 9))
    for data, now in ((None, 23), (load(source, add=added), 23), (load(source), 0)):
        with pytest.raises(DataError) as caught:
            reload_data(origin, recipe(), data)
        assert f"{now} now, expected the 20 that were in {added}. Train again" in str(caught.value)
        assert "train with a copy of their folder" in str(caught.value)
    assert reload_data(origin, recipe(), with_added=False)


def test_pictures_that_were_not_added_are_refused(source: Path, added: Path, tmp_path: Path) -> None:
    """A run on the source alone is not taken for one with more."""
    origin = read_origin(train(load(source), recipe(epochs=1), out=tmp_path / "run").model)
    with pytest.raises(DataError, match="20 now, expected none"):
        reload_data(origin, recipe(), load(source, add=added))


def test_a_folder_that_is_gone_is_missed(origin: Origin, source: Path, added: Path) -> None:
    """It is named, and what was added may lie elsewhere by now."""
    shutil.move(added, added.with_name("moved"))
    with pytest.raises(DataError, match=r"The folder .*added is gone, whose pictures .* Put it back"):
        reload_data(origin, recipe())
    assert reload_data(origin, recipe(), load(source, add=added.with_name("moved")))
