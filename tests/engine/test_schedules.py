"""Learning-rate schedules."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optotype.engine.schedules import Constant, OneCycle, learning_rates


@given(st.floats(1e-6, 10), st.integers(1, 200))
def test_constant_schedule_is_constant(peak: float, steps: int) -> None:
    """Every step has the learning rate of the optimizer."""
    np.testing.assert_array_equal(learning_rates(Constant(), peak, steps), np.full(steps, peak, np.float32))


@given(st.floats(1e-6, 10), st.integers(1, 300), st.floats(0.01, 0.99))
def test_one_cycle_rises_then_falls(peak: float, steps: int, pct_start: float) -> None:
    """Rates are positive and at most the peak; they rise, then fall."""
    rates = learning_rates(OneCycle(pct_start), peak, steps)
    assert rates.shape == (steps,)
    assert (rates > 0).all()
    assert rates.max() <= np.float32(peak)
    top = int(rates.argmax())
    assert (np.diff(rates[: top + 1]) >= 0).all()
    assert (np.diff(rates[top:]) <= 0).all()


def test_one_cycle_equals_pytorch() -> None:
    """Ten steps have the rates of torch.optim.lr_scheduler.OneCycleLR(max_lr=1, total_steps=10)."""
    rates = learning_rates(OneCycle(), 1.0, 10)
    assert rates[0] == pytest.approx(1 / 25)
    assert rates[2] == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(1 / 25 / 1e4, rel=1e-3)
    falling = 4e-6 + (1 - 4e-6) / 2 * (1 + np.cos(np.pi * np.arange(1, 7) / 7))
    np.testing.assert_allclose(rates[3:9], falling, rtol=1e-5)
