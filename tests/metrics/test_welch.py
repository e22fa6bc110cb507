"""Welch's test, compared with SciPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import ttest_ind

from optotype.errors import DataError
from optotype.metrics.welch import mean_difference

SAMPLES = st.integers(2, 30).flatmap(
    lambda n: arrays(np.float64, n, elements=st.floats(90, 100, width=32), unique=True)
)


@given(SAMPLES, SAMPLES)
def test_interval_equals_scipys(first: np.ndarray, second: np.ndarray) -> None:
    """Interval and p-value equal those of SciPy's Welch test."""
    difference = mean_difference(first.tolist(), second.tolist())
    test = ttest_ind(first, second, equal_var=False)
    expected = test.confidence_interval(0.95)
    assert difference.p == pytest.approx(test.pvalue, abs=1e-6)
    assert difference.mean == pytest.approx(first.mean() - second.mean(), abs=1e-9)
    assert (difference.low, difference.high) == pytest.approx(
        (expected.low, expected.high), rel=1e-6, abs=1e-9
    )


@given(SAMPLES, SAMPLES)
def test_symmetry(first: np.ndarray, second: np.ndarray) -> None:
    """The interval changes its sign with the order of the samples."""
    difference = mean_difference(first.tolist(), second.tolist())
    reverse = mean_difference(second.tolist(), first.tolist())
    assert (difference.low, difference.mean, difference.high) == pytest.approx(
        (-reverse.high, -reverse.mean, -reverse.low)
    )


def test_constant_samples() -> None:
    """If neither sample varies, the interval has no width."""
    difference = mean_difference([99.0, 99.0], [98.0, 98.0, 98.0])
    assert (difference.low, difference.mean, difference.high, difference.p) == (1.0, 1.0, 1.0, 0.0)
    assert mean_difference([99.0, 99.0], [99.0, 99.0]).p == 1


def test_one_constant_sample() -> None:
    """One constant sample is compared without a warning."""
    difference = mean_difference([0.98, 0.98, 0.98], [0.97, 0.96])
    assert difference.low < 0 < difference.mean < difference.high


def test_too_few_numbers() -> None:
    """A sample of one number raises a DataError that names the sizes."""
    with pytest.raises(DataError, match="1 and 5 numbers"):
        mean_difference([99.0], [98.0, 98.1, 98.2, 98.3, 98.4])
