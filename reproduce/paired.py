"""`python -m reproduce.paired`: how often each interval of a paired difference holds the truth (decision 20).

The candidates but the chosen one stand only here. Counts of simulated comparisons are drawn: images that both get
right, only A, only B, neither.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.metrics.paired import paired_difference

Counts = NDArray[np.float64]
Interval = tuple[Counts, Counts]

TIMES: Final = 10_000
"""Simulated comparisons in each place of the table."""
NETS: Final = ((0.98, 0.02), (0.90, 0.08), (0.55, 0.30))
"""Accuracy, and share of images on which only one is right: about what two good nets have on MNIST, on
Fashion-MNIST, and two poor ones on photographs."""
_Z: Final = 1.959963984540054


def chosen(counts: Counts, n: int) -> Interval:
    """Bonett and Price (2012)."""
    pairs, place = np.unique(counts[:, 1:3], axis=0, return_inverse=True)
    found = [paired_difference(int(a), int(b), n) for a, b in pairs]
    ends = np.array([(each.low, each.high) for each in found])[place.ravel()]
    return ends[:, 0], ends[:, 1]


def wald(counts: Counts, n: int) -> Interval:
    """The textbook's."""
    return _wald(counts[:, 1], counts[:, 2], n, 0)


def agresti_min(counts: Counts, n: int) -> Interval:
    """Agresti and Min (2005): half an image more in each of the four places."""
    return _wald(counts[:, 1], counts[:, 2], n, 0.5)


def newcombe(counts: Counts, n: int) -> Interval:
    """Newcombe (1998), method 10: Wilson's intervals of both accuracies, put together with their correlation."""
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


def tango_holds(counts: Counts, n: int, truth: float) -> NDArray[np.bool_]:
    """Say whether Tango's score interval (1998) holds a difference: where his test does not reject it."""
    only_a, only_b = counts[:, 1], counts[:, 2]
    middle = -only_b - only_a + (2 * n - only_b + only_a) * truth
    last = -only_a * truth * (1 - truth)
    share = (np.sqrt(np.maximum(middle**2 - 8 * n * last, 0)) - middle) / (4 * n)
    spread = np.sqrt(np.maximum(n * (2 * share + truth * (1 - truth)), 1e-300))
    held: NDArray[np.bool_] = np.abs(only_b - only_a - n * truth) <= _Z * spread
    return held


def _wald(only_a: Counts, only_b: Counts, n: int, more: float) -> Interval:
    total = n + 4 * more
    change = (only_b - only_a) / total
    half = _Z * np.sqrt(((only_a + only_b + 2 * more) / total - change**2) / total)
    return change - half, change + half


def _wilson(correct: Counts, n: int) -> Interval:
    share, weight = correct / n, 1 + _Z**2 / n
    middle = (share + _Z**2 / (2 * n)) / weight
    half = _Z / weight * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n))
    return middle - half, middle + half


def main() -> None:
    """Print the table."""
    methods = {"Bonett, Price": chosen, "Agresti, Min": agresti_min, "Newcombe 10": newcombe, "Wald": wald}
    print(f"| n | apart | difference | {' | '.join(methods)} | Tango | widths of the first and third |")
    print(f"|{'---|' * (len(methods) + 5)}")
    for n in (100, 1000, 10_000):
        for accuracy, apart in NETS:
            for share in (0, 0.8):
                only_a, only_b = apart * (1 - share) / 2, apart * (1 + share) / 2
                both = accuracy - only_b
                shares = [both, only_a, only_b, 1 - both - apart]
                counts = np.random.default_rng(0).multinomial(n, shares, TIMES).astype(np.float64)
                _line(n, apart, share * apart, counts, [method(counts, n) for method in methods.values()])


def _line(n: int, apart: float, truth: float, counts: Counts, intervals: list[Interval]) -> None:
    held = [(low <= truth) & (truth <= high) for low, high in intervals]
    held.append(tango_holds(counts, n, truth))
    widths = [100 * float(np.mean(intervals[place][1] - intervals[place][0])) for place in (0, 2)]
    cells = " | ".join(f"{100 * each.mean():.1f}" for each in held)
    print(f"| {n:,} | {apart:.2f} | {truth:.3f} | {cells} | {widths[0]:.2f}, {widths[1]:.2f} |")


if __name__ == "__main__":
    main()
