"""Text forms of estimates."""

from optotype.metrics.intervals import Estimate


def format_points(difference: Estimate) -> str:
    """Return a difference of proportions in percentage points, with its interval: "+0.31 points [0.12, 0.50]"."""
    # Adding 0.0 turns -0.0 into 0.0.
    value, low, high = (
        round(100 * share, 2) + 0.0 for share in (difference.value, difference.low, difference.high)
    )
    return f"{value:+.2f} points [{low:.2f}, {high:.2f}]"
