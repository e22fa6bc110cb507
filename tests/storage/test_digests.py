"""Digests of images."""

import numpy as np

from optotype.storage.digests import digests, match_digests


def test_equal_pixels_have_equal_digests_and_the_first_copy_is_found() -> None:
    """Images have the same digest if all pixels are equal; the first of several copies is found, else -1."""
    images = np.arange(4 * 6 * 5 * 1, dtype=np.uint8).reshape(4, 6, 5, 1)
    images[2] = images[1]
    queries = digests(images[[2, 0]]) + digests(images[:1] + 1)
    assert match_digests(digests(images), queries).tolist() == [1, 0, -1]
