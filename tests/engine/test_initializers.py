"""Initial values have the distributions of Keras."""

import numpy as np
import pytest

from optotype.engine.initializers import initial_values
from optotype.engine.layers import Parameter


@pytest.mark.parametrize(
    ("shape", "limit"),
    [((300, 500), np.sqrt(6 / 800)), ((5, 4, 30, 60), np.sqrt(6 / (20 * 30 + 20 * 60)))],
)
def test_glorot_uniform_is_uniform_within_its_limit(shape: tuple[int, ...], limit: float) -> None:
    """Values are within the limit of the fans, reach it, and have the variance of a uniform distribution."""
    values = initial_values(Parameter("kernel", shape, "glorot_uniform"), 1)
    assert values.shape == shape
    assert np.abs(values).max() <= limit
    assert np.abs(values).max() > 0.999 * limit
    assert values.std() == pytest.approx(limit / np.sqrt(3), rel=0.02)
    assert values.mean() == pytest.approx(0, abs=0.02 * limit)


def test_random_normal_has_the_deviation_of_keras() -> None:
    """The standard deviation is 0.05."""
    values = initial_values(Parameter("kernel", (400, 400), "random_normal"), 1)
    assert values.std() == pytest.approx(0.05, rel=0.02)


def test_zeros_and_ones() -> None:
    """The initializers "zeros" and "ones" give zeros and ones."""
    assert (initial_values(Parameter("bias", (7,), "zeros"), 1) == 0).all()
    assert (initial_values(Parameter("gamma", (7,), "ones"), 1) == 1).all()
