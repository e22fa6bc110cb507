"""The aims of the benchmark."""

import pytest

from benchmarks.aims import AIMS, Aim, invalid_responses, requests_per_second
from benchmarks.lines import LINES
from tests.benchmarks.samples import SMALL, measured


def aim(line: str, prefix: str) -> Aim:
    """Find an aim by its first words."""
    return next(entry for entry in AIMS if entry.line == line and entry.text.startswith(prefix))


def test_ratio_uses_the_fastest_peer() -> None:
    """The ratio is the fastest peer's median divided by the median of optotype's default side."""
    assert SMALL.fastest() == "keras jax"
    assert SMALL.times() == 6.5
    assert SMALL.times("torch") == 9.0
    speed_ratio = aim("cnn-small", "at least 6 times")
    assert speed_ratio.reached(SMALL)
    assert speed_ratio.formatted(SMALL) == "6.50 times"


def test_share_uses_the_peak_of_its_precision() -> None:
    """10 GFLOP in 2 s are 10 % of 50 GFLOP/s, which misses 12 %; 10 GFLOP in 4 s are 25 % of 10 GFLOP/s."""
    half, single = aim("cnn-small", "at least 12%"), aim("cnn-small", "at least 50%")
    assert (half.value(SMALL), single.value(SMALL)) == (0.1, 0.25)
    assert not half.reached(SMALL)
    without = measured("cnn-small", {"optotype fp32": (1.0,)}, peaks={"optotype fp32": (10.0,)})
    assert half.value(without) == 0


@pytest.mark.parametrize(
    ("line", "prefix", "values", "expected"),
    [
        ("growth", "time per image", {"1 images": (1.0,), "2 images": (1.2, 1.3, 1.25)}, 0.25),
        (
            "augmentation",
            "at most 15",
            {
                "images as they are": (0.5,),
                "shift, flip, rotation and scale": (0.625,),
                "elastic deformation": (9.0,),
            },
            0.25,
        ),
        ("install", "at most", {"a 1": (60.0,), "b 2": (69.5,)}, 129.5),
        (
            "start",
            "import",
            {"bare Python": (0.25,), "import optotype": (0.5,), "optotype --help": (1,)},
            0.25,
        ),
        (
            "memory",
            "cnn-small",
            {"cnn-small above": (9.0,), "cnn-small data": (4.0,), "cnn-small plan": (2.0,)},
            1.5,
        ),
    ],
)
def test_aims_without_peers(
    line: str, prefix: str, values: dict[str, tuple[float, ...]], expected: float
) -> None:
    """Growth is a spread, install a sum, start a difference, memory and augmentation are ratios."""
    assert aim(line, prefix).value(measured(line, values)) == pytest.approx(expected)


def test_every_line_has_an_aim_and_every_aim_a_line() -> None:
    """Every measured line has an aim, and every aim belongs to a measured line."""
    assert {aim.line for aim in AIMS} == set(LINES)


def test_capacity_ignores_slow_loads() -> None:
    """The capacity is the highest rate among loads with a 99th percentile below 120 ms."""
    values: dict[str, tuple[float, ...]] = {
        "1 at once: requests/s": (500.0,),
        "1 at once: p99, ms": (2.0,),
        "8 at once: requests/s": (900.0, 1000.0, 5000.0),
        "8 at once: p99, ms": (119.0,),
        "64 at once: requests/s": (2000.0,),
        "64 at once: p99, ms": (121.0,),
    }
    assert requests_per_second(measured("serving", values)) == 1000
    slow: dict[str, tuple[float, ...]] = dict.fromkeys(values, (1000.0,))
    assert requests_per_second(measured("serving", slow)) == 0


def test_every_other_response_is_invalid() -> None:
    """Every request without exactly one response of 200, 429 or 503 is counted; valid responses are not."""
    values: dict[str, tuple[float, ...]] = {
        "capacity, requests/s": (1000.0,),
        "1000 at once: answers 429/s": (500.0,),
        "1000 at once: other answers": (1.0,),
        "1000 at once: 429 and 503 without Retry-After": (2.0,),
        "1000 at once: broken connections": (4.0,),
        "1000 at once: not answered within 30 s": (32.0,),
        "3 times the capacity: requests sent/s": (2996.0,),
        "3 times the capacity: requests without an answer": (8.0,),
        "3 times the capacity: answers without a request": (16.0,),
        "1000 at once: memory after a sixth of it, MB": (200.0,),
        "1000 at once: most memory from then on, MB": (205.0,),
    }
    record = measured("serving-overload", values)
    assert invalid_responses(record) == 63
    formatted = [aim.formatted(record) for aim in AIMS if aim.line == "serving-overload"]
    assert formatted == ["3.0", "63 did not", "2.5%"]
