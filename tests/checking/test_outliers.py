"""Outliers in brightness and contrast."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from optotype.checking.outliers import brightness_outliers, size_outliers
from tests.checking.samples import textured


def test_an_ordinary_set_has_no_outliers() -> None:
    """Images as bright as the others are not outliers."""
    assert brightness_outliers(textured()) == []


def test_brightness_outliers_are_found_and_described() -> None:
    """Too bright, too dark, low-contrast and single-colour images are found, each with the right description."""
    images = textured().images.copy()
    images[3] = np.minimum(images[3].astype(int) + 130, 255)
    images[5] //= 6
    images[7] = images[7] // 8 + 90
    images[9] = 99
    messages = {
        finding.pictures[0].index: finding.message for finding in brightness_outliers(textured(images=images))
    }
    assert sorted(messages) == [3, 5, 7, 9]
    assert messages[3].startswith("Brighter than usual")
    assert messages[5].startswith("Darker")
    assert messages[7].startswith("Lower in contrast")
    assert messages[9] == "A single colour."


def test_a_set_of_uniform_brightness_has_no_outliers() -> None:
    """If brightness hardly varies, a difference of one grey level is not an outlier."""
    images = np.tile(np.array([0, 200], np.uint8), (100, 12, 6))[..., np.newaxis].copy()
    images[0, 0, 0] = 1
    assert brightness_outliers(textured(100, images=images)) == []


def _of_sizes(sizes: Any) -> dict[int, str]:
    """Return the indices and messages of the outliers among pictures of these sizes."""
    data = textured(len(sizes), sizes=np.array(sizes, np.int32))
    return {finding.pictures[0].index: finding.message for finding in size_outliers(data)}


def _varied(seed: int, n: int = 300, spread: float = 0.1) -> NDArray[np.float64]:
    return np.random.default_rng(seed).lognormal(np.log(200), spread, (n, 2))


@pytest.mark.parametrize("ordinary", [np.full((300, 2), 200.0), _varied(0)])
def test_size_outliers_are_found_and_described(ordinary: NDArray[np.float64]) -> None:
    """Tiny, huge, narrow and wide files are found among files of one size or of several, with the right description."""
    odd = ordinary.copy()
    odd[[3, 5, 7, 9]] = (20, 20), (2000, 2000), (800, 50), (50, 900)
    messages = _of_sizes(odd)
    assert sorted(messages) == [3, 5, 7, 9]
    assert messages[3].startswith("Smaller than usual by a factor of ")
    assert messages[3].endswith("20 pixels high and 20 wide.")
    assert messages[5].startswith("Larger")
    assert messages[7].startswith("Narrower")
    assert messages[9].startswith("Wider than usual by a factor of 1")


def test_sizes_that_vary_naturally_are_no_outliers() -> None:
    """Sets from several cameras, in portrait and landscape, or of all sizes up to a factor of 30 have no outliers."""
    cameras = np.array([(480, 640), (640, 480), (1080, 1920), (3000, 4000)])
    rng = np.random.default_rng(0)
    assert _of_sizes(cameras[rng.integers(0, 4, 300)]) == {}
    assert _of_sizes(cameras[rng.choice(4, 300, p=[0.6, 0.15, 0.15, 0.1])]) == {}
    assert _of_sizes(_varied(1, 2000, 0.9)) == {}
    assert _of_sizes(rng.uniform(20, 600, (2000, 2))) == {}
    assert _of_sizes([(32, 32)] * 11 + [(128, 128)] * 9) == {}


def test_a_factor_below_two_is_no_outlier() -> None:
    """Among files of one size, one that is a little larger or wider is not an outlier."""
    assert _of_sizes([(100, 100)] * 50 + [(190, 190), (100, 190)]) == {}
    assert sorted(_of_sizes([(100, 100)] * 50 + [(201, 201), (100, 201)])) == [50, 51]


def test_images_without_files_have_no_size_outliers() -> None:
    """Arrays have no file sizes, so there are no size outliers."""
    assert size_outliers(textured()) == []
