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
def test_interval_is_scipys(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Interval and p-value are those that SciPy gives for Welch's t-test."""
    found = difference(ours.tolist(), theirs.tolist())
    test = ttest_ind(ours, theirs, equal_var=False)
    expected = test.confidence_interval(0.95)
    assert found.p == pytest.approx(test.pvalue, abs=1e-6)
    assert found.mean == pytest.approx(ours.mean() - theirs.mean(), abs=1e-9)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-6, abs=1e-9)


@given(SAMPLES, SAMPLES)
def test_sides_mirror(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Exchanging the samples turns the interval round."""
    one, other = difference(ours.tolist(), theirs.tolist()), difference(theirs.tolist(), ours.tolist())
    assert (one.low, one.mean, one.high) == pytest.approx((-other.high, -other.mean, -other.low))


def test_constant_samples() -> None:
    """Where neither sample varies, the interval is the difference itself."""
    found = difference([99.0, 99.0], [98.0, 98.0, 98.0])
    assert (found.low, found.mean, found.high, found.p) == (1.0, 1.0, 1.0, 0.0)
    assert difference([99.0, 99.0], [99.0, 99.0]).p == 1


def test_one_number_is_refused() -> None:
    """A sample of one has no variance, and the message says how many there were."""
    with pytest.raises(DataError, match="Samples of 1 and 5"):
        difference([99.0], [98.0, 98.1, 98.2, 98.3, 98.4])
