"""Resamples: that they are what they are said to be, the same every time."""

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


def test_a_mean_has_scipys_interval() -> None:
    """To the noise of the resamples, the interval of a mean is that of scipy's percentile bootstrap."""
    values = np.random.default_rng(1).exponential(size=2000)
    theirs = bootstrap((values,), np.mean, method="percentile", n_resamples=4000, rng=2).confidence_interval
    ours = mean_estimate(values)
    assert ours.value == values.mean()
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.004)
    assert mean_estimate(values) == ours


@pytest.mark.parametrize("n", [1, 7, 2_000_000])
def test_resamples_are_as_many_as_the_images(n: int) -> None:
    """Every resample has n rows, none of which is another image's than the n; memory is bounded for any n."""
    drawn = next(resampled_rows(n))
    assert drawn.shape == (min(RESAMPLES, max(1, (1 << 20) // n)), n)
    assert drawn.max() < n


@pytest.mark.parametrize("kinds", [1, 10, 5_000])
def test_counts_are_drawn_as_often_and_keep_their_sum(kinds: int) -> None:
    """1,000 resamples of as many images, in portions."""
    counts = np.arange(1, kinds + 1)
    portions = list(resampled_counts(counts))
    assert sum(len(each) for each in portions) == RESAMPLES
    assert all((each.sum(axis=1) == counts.sum()).all() for each in portions)


def test_counts_vary_as_drawn_images_do() -> None:
    """Mean and spread of a kind's count are those of images that are drawn one by one."""
    kinds = np.repeat([0, 1, 2], [70, 20, 10])
    (by_counts,) = resampled_counts(np.array([70, 20, 10]))
    (rows,) = resampled_rows(100)
    by_rows = (kinds[rows, np.newaxis] == np.arange(3)).sum(axis=1)
    np.testing.assert_allclose(by_counts.mean(axis=0), by_rows.mean(axis=0), atol=0.6)
    np.testing.assert_allclose(by_counts.std(axis=0), by_rows.std(axis=0), atol=0.4)


def test_an_interval_holds_its_value() -> None:
    """Where resamples lie above what they were drawn from, the interval is widened."""
    estimate = percentile_estimate(0.1, np.linspace(0.2, 0.3, 1001))
    assert (estimate.value, estimate.low) == (0.1, 0.1)
    assert estimate.high == pytest.approx(0.2975)
