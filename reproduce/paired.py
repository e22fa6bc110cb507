"""`python -m reproduce.paired`: how often each interval of a paired difference contains the true value (decision 20).

The methods that were not chosen are implemented only here. The counts of simulated comparisons are drawn at random:
images that both classify correctly, only A, only B, neither.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.metrics.paired import paired_difference

Counts = NDArray[np.float64]
Interval = tuple[Counts, Counts]

SIMULATIONS: Final = 10_000
"""Simulated comparisons for each row of the table."""
NETS: Final = ((0.98, 0.02), (0.90, 0.08), (0.55, 0.30))
"""Accuracy, and share of images on which only one model is correct: about the values of two accurate networks on
MNIST, on Fashion-MNIST, and of two inaccurate ones on photographs."""
_Z: Final = 1.959963984540054


def bonett_price(counts: Counts, n: int) -> Interval:
    """Return the intervals of Bonett and Price (2012), the chosen method."""
    pairs, index = np.unique(counts[:, 1:3], axis=0, return_inverse=True)
    estimates = [paired_difference(int(only_a), int(only_b), n) for only_a, only_b in pairs]
    ends = np.array([(estimate.low, estimate.high) for estimate in estimates])[index.ravel()]
    return ends[:, 0], ends[:, 1]


def wald(counts: Counts, n: int) -> Interval:
    """Return the textbook's intervals (Wald)."""
    return _wald(counts[:, 1], counts[:, 2], n, 0)


def agresti_min(counts: Counts, n: int) -> Interval:
    """Return the intervals of Agresti and Min (2005): half an image is added to each of the four counts."""
    return _wald(counts[:, 1], counts[:, 2], n, 0.5)


def newcombe(counts: Counts, n: int) -> Interval:
    """Return the intervals of Newcombe (1998), method 10: both Wilson intervals, combined with their correlation."""
    both, only_a, only_b, neither = counts.T
    a, b = both + only_a, both + only_b
    (low_a, high_a), (low_b, high_b) = _wilson(a, n), _wilson(b, n)
    product = both * neither - only_a * only_b
    corrected = np.where(product > n / 2, product - n / 2, np.minimum(product, 0))
    spread = np.sqrt(a * (n - a) * b * (n - b))
    phi = np.divide(corrected, spread, out=np.zeros_like(spread), where=spread > 0)

    def end(up: Counts, down: Counts) -> Counts:
        root: Counts = np.sqrt(np.maximum(up**2 - 2 * phi * up * down + down**2, 0))
        return root

    change = (b - a) / n
    return change - end(b / n - low_b, high_a - a / n), change + end(high_b - b / n, a / n - low_a)


def tango_contains(counts: Counts, n: int, true_difference: float) -> NDArray[np.bool_]:
    """Return whether Tango's score interval (1998) contains a difference, that is, his test does not reject it."""
    only_a, only_b = counts[:, 1], counts[:, 2]
    linear = -only_b - only_a + (2 * n - only_b + only_a) * true_difference
    constant = -only_a * true_difference * (1 - true_difference)
    share = (np.sqrt(np.maximum(linear**2 - 8 * n * constant, 0)) - linear) / (4 * n)
    spread = np.sqrt(np.maximum(n * (2 * share + true_difference * (1 - true_difference)), 1e-300))
    contains: NDArray[np.bool_] = np.abs(only_b - only_a - n * true_difference) <= _Z * spread
    return contains


def _wald(only_a: Counts, only_b: Counts, n: int, added: float) -> Interval:
    total = n + 4 * added
    change = (only_b - only_a) / total
    half = _Z * np.sqrt(((only_a + only_b + 2 * added) / total - change**2) / total)
    return change - half, change + half


def _wilson(correct: Counts, n: int) -> Interval:
    share, weight = correct / n, 1 + _Z**2 / n
    middle = (share + _Z**2 / (2 * n)) / weight
    half = _Z / weight * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n))
    return middle - half, middle + half


def main() -> None:
    """Print the table."""
    methods = {
        "Bonett, Price": bonett_price,
        "Agresti, Min": agresti_min,
        "Newcombe 10": newcombe,
        "Wald": wald,
    }
    print(
        f"| n | disagreement | difference | {' | '.join(methods)} | Tango | widths of the first and third |"
    )
    print(f"|{'---|' * (len(methods) + 5)}")
    for n in (100, 1000, 10_000):
        for accuracy, disagreement in NETS:
            for share in (0, 0.8):
                only_a, only_b = disagreement * (1 - share) / 2, disagreement * (1 + share) / 2
                both = accuracy - only_b
                shares = [both, only_a, only_b, 1 - both - disagreement]
                counts = np.random.default_rng(0).multinomial(n, shares, SIMULATIONS).astype(np.float64)
                intervals = [method(counts, n) for method in methods.values()]
                _print_row(n, disagreement, share * disagreement, counts, intervals)


def _print_row(
    n: int, disagreement: float, true_difference: float, counts: Counts, intervals: list[Interval]
) -> None:
    contains = [(low <= true_difference) & (true_difference <= high) for low, high in intervals]
    contains.append(tango_contains(counts, n, true_difference))
    widths = [100 * float(np.mean(intervals[method][1] - intervals[method][0])) for method in (0, 2)]
    cells = " | ".join(f"{100 * in_interval.mean():.1f}" for in_interval in contains)
    print(
        f"| {n:,} | {disagreement:.2f} | {true_difference:.3f} | {cells} | {widths[0]:.2f}, {widths[1]:.2f} |"
    )


if __name__ == "__main__":
    main()
