"""Text forms of estimates."""

from optotype.metrics import Estimate
from optotype.metrics.formatting import format_points


def test_points_have_a_sign_and_an_interval() -> None:
    """A difference is written in percentage points with two decimals."""
    assert format_points(Estimate(0.0031, 0.0012, 0.005)) == "+0.31 points [0.12, 0.50]"
    assert format_points(Estimate(-0.25, -0.5, 0.125)) == "-25.00 points [-50.00, 12.50]"


def test_points_have_no_negative_zero() -> None:
    """A difference that rounds to zero is written +0.00."""
    assert format_points(Estimate(-0.00001, -0.01, 0.00001)) == "+0.00 points [-1.00, 0.00]"
