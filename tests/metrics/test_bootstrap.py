"""Bootstrap: intervals against SciPy's, and the resamples' sizes and distribution."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from optotype.metrics.bootstrap import (
    RESAMPLES,
    mean_estimate,
    percentile_estimate,
    resampled_counts,
    resampled_rows,
)


def test_interval_of_a_mean() -> None:
    """The interval of a mean equals SciPy's percentile bootstrap within the noise of resampling, and is repeatable."""
    values = np.random.default_rng(1).exponential(size=2000)
    expected = bootstrap((values,), np.mean, method="percentile", n_resamples=4000, rng=2).confidence_interval
    estimate = mean_estimate(values)
    assert estimate.value == values.mean()
    assert (estimate.low, estimate.high) == pytest.approx((expected.low, expected.high), abs=0.004)
    assert mean_estimate(values) == estimate


@pytest.mark.parametrize("n", [1, 7, 2_000_000])
def test_size_of_resamples(n: int) -> None:
    """A resample has n indices below n, and a chunk of resamples is limited for any n."""
    rows = next(resampled_rows(n))
    assert rows.shape == (min(RESAMPLES, max(1, (1 << 20) // n)), n)
    assert rows.max() < n


@pytest.mark.parametrize("kinds", [1, 10, 5_000])
def test_resampled_counts(kinds: int) -> None:
    """There are 1,000 resamples in chunks, each with the same number of images."""
    counts = np.arange(1, kinds + 1)
    chunks = list(resampled_counts(counts))
    assert sum(len(chunk) for chunk in chunks) == RESAMPLES
    assert all((chunk.sum(axis=1) == counts.sum()).all() for chunk in chunks)


def test_distribution_of_counts() -> None:
    """Mean and standard deviation of a count equal those of images that are drawn one by one."""
    kinds = np.repeat([0, 1, 2], [70, 20, 10])
    (by_counts,) = resampled_counts(np.array([70, 20, 10]))
    (rows,) = resampled_rows(100)
    by_rows = (kinds[rows, np.newaxis] == np.arange(3)).sum(axis=1)
    np.testing.assert_allclose(by_counts.mean(axis=0), by_rows.mean(axis=0), atol=0.6)
    np.testing.assert_allclose(by_counts.std(axis=0), by_rows.std(axis=0), atol=0.4)


def test_interval_contains_its_value() -> None:
    """The interval is widened if all resampled values are above the value."""
    estimate = percentile_estimate(0.1, np.linspace(0.2, 0.3, 1001))
    assert (estimate.value, estimate.low) == (0.1, 0.1)
    assert estimate.high == pytest.approx(0.2975)
