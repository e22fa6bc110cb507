"""Outliers in brightness and contrast."""

import numpy as np

from optotype.checking.outliers import brightness_outliers
from tests.checking.samples import textured


def test_a_usual_set_has_none() -> None:
    """Pictures that are as bright as the others are no outliers."""
    assert brightness_outliers(textured()) == []


def test_odd_pictures_are_named_with_what_is_odd() -> None:
    """Too bright, too dark, flat and one-coloured pictures are found, and each is told what it is."""
    images = textured().images.copy()
    images[3] = np.minimum(images[3].astype(int) + 130, 255)
    images[5] //= 6
    images[7] = images[7] // 8 + 90
    images[9] = 99
    found = {
        finding.pictures[0].index: finding.said for finding in brightness_outliers(textured(images=images))
    }
    assert sorted(found) == [3, 5, 7, 9]
    assert found[3].startswith("Brighter than is usual")
    assert found[5].startswith("Darker")
    assert found[7].startswith("Flatter")
    assert found[9] == "All of one colour."


def test_a_set_of_one_brightness_is_no_set_of_outliers() -> None:
    """Where brightness hardly varies, a difference of a grey level is not called an outlier."""
    images = np.tile(np.array([0, 200], np.uint8), (100, 12, 6))[..., np.newaxis].copy()
    images[0, 0, 0] = 1
    assert brightness_outliers(textured(100, images=images)) == []
