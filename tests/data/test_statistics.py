"""Statistics of pixels, compared with NumPy on the whole array."""

import numpy as np
import pytest

from optotype.data.statistics import brightness_and_contrast, channel_statistics


@pytest.mark.parametrize(("n", "channels"), [(1, 1), (3, 3), (2500, 1)])
def test_chunked_statistics_equal_those_of_the_whole_array(n: int, channels: int) -> None:
    """Computed in chunks, mean and standard deviation of channels and images equal those of the whole array."""
    images = np.random.default_rng(n).integers(0, 256, (n, 5, 7, channels)).astype(np.uint8)
    statistics = channel_statistics(images)
    assert statistics.mean == pytest.approx((images / 255).mean(axis=(0, 1, 2)))
    assert statistics.std == pytest.approx((images / 255).std(axis=(0, 1, 2)))
    measured = brightness_and_contrast(images)
    assert measured[:, 0] == pytest.approx((images / 255).mean(axis=(1, 2, 3)))
    assert measured[:, 1] == pytest.approx((images / 255).std(axis=(1, 2, 3)))
