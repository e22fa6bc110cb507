"""What is aimed at on each line, as a table: what is computed of the measured values, and where it should lie."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.results import Measured


@dataclass(frozen=True)
class Aim:
    """One aim.

    Attributes:
        line: Of which line.
        words: What is aimed at.
        value: The number it is about.
        bound: Where that should lie,
        at_least: from here up, or else from here down.
        form: How the number is written.
    """

    line: str
    words: str
    value: Callable[[Measured], float]
    bound: float
    at_least: bool
    form: str = "{:.1f}"

    def reached(self, found: Measured) -> bool:
        """Whether the measured number lies where it should."""
        value = self.value(found)
        return value >= self.bound if self.at_least else value <= self.bound

    def written(self, found: Measured) -> str:
        """Write the measured number."""
        return self.form.format(self.value(found))


def _times(line: str, bound: float, library: str = "", whose: str = "the fastest peer") -> Aim:
    words = f"at least {bound:g} times as fast as {whose}"
    return Aim(line, words, lambda found: found.times(library), bound, at_least=True, form="{:.2f} times")


def _share(line: str, precision: str, bound: float) -> Aim:
    side = f"optotype {precision}"
    return Aim(
        line,
        f"at least {bound:.0%} of the limit in {precision}",
        # A processor without that precision reaches nothing in it.
        lambda found: found.share(side) if side in found.peaks else 0.0,
        bound,
        at_least=True,
        form="{:.0%}",
    )


def _above_python(name: str, bound: float) -> Aim:
    def value(found: Measured) -> float:
        return found.median(name) - found.median("bare Python")

    words = f"{name}: at most {bound:g} s above bare Python"
    return Aim("start", words, value, bound, at_least=False, form="{:.3f} s")


def _memory(recipe: str) -> Aim:
    def value(found: Measured) -> float:
        least = found.median(f"{recipe} data") + found.median(f"{recipe} plan")
        return found.median(f"{recipe} above") / least

    words = f"{recipe}: at most 1.5 times the data and all that the network asks for"
    return Aim("memory", words, value, 1.5, at_least=False, form="{:.2f} times")


def surplus(found: Measured) -> float:
    """How much more an epoch takes with shift, flip, rotation and scale than on images as they are, as a share."""
    return found.median("shift, flip, rotation and scale") / found.median("images as they are") - 1


def spread(found: Measured) -> float:
    """How much more the slowest quantity takes than the fastest, as a share."""
    medians = [found.median(name) for name in found.values]
    return max(medians) / min(medians) - 1


def total(found: Measured) -> float:
    """The sum of all quantities."""
    return sum(found.median(name) for name in found.values)


_SOON: Final = 120
"""Milliseconds in which 99 of 100 requests are to be answered."""


def answered(found: Measured) -> float:
    """The most requests a second, of those loads whose 99th percentile is low enough."""
    loads = [name.removesuffix(": requests/s") for name in found.values if name.endswith(": requests/s")]
    soon = [load for load in loads if found.median(f"{load}: p99, ms") < _SOON]
    return max((found.median(f"{load}: requests/s") for load in soon), default=0.0)


def astray(found: Measured) -> float:
    """How many requests got anything but exactly one of the three answers, the latter two with Retry-After."""
    kinds = (
        "other answers",
        "without Retry-After",
        "broken connections",
        "not answered within 30 s",
        "without an answer",
        "without a request",
    )
    return sum(found.median(name) for name in found.values if name.endswith(kinds))


def _times_capacity(found: Measured) -> float:
    sent = found.median("3 times the capacity: requests sent/s")
    return round(sent / found.median("capacity, requests/s"), 1)


def _growth(found: Measured) -> float:
    early = found.median("1000 at once: memory after a sixth of it, MB")
    return found.median("1000 at once: most memory from then on, MB") / early - 1


AIMS: Final = (
    _times("cnn-small", 6),
    _times("cnn-large", 6),
    _times("mlp-512-512", 2.5),
    _times("dnn-sigmoid", 3),
    _times("mlp-300-300", 3),
    _times("convolutions", 3, "torch", "PyTorch's fastest setting"),
    Aim(
        "augmentation",
        "shift, flip, rotation and scale take at most 15 % more time",
        surplus,
        0.15,
        at_least=False,
        form="{:.0%}",
    ),
    _times("fresh", 6),
    _times("predict-10000", 1, "onnxruntime", "ONNX Runtime"),
    _times("predict-10000", 3, "keras", "Keras"),
    _times("predict-1", 1, "onnxruntime", "ONNX Runtime"),
    _times("predict-1", 3, "keras", "Keras"),
    _times("cnn-small-avx2", 2.5),
    _times("dnn-sigmoid-avx2", 2.5),
    _times("mlp-512-512-avx2", 1.2),
    _share("cnn-small", "fp32", 0.50),
    _share("mlp-512-512", "fp32", 0.55),
    _share("convolutions", "fp32", 0.55),
    _share("cnn-small", "bf16", 0.12),
    _share("mlp-512-512", "bf16", 0.16),
    _share("convolutions", "bf16", 0.45),
    _memory("cnn-small"),
    _memory("mlp-512-512"),
    Aim("growth", "an image takes the same time within 25 %", spread, 0.25, at_least=False, form="{:.0%}"),
    _above_python("optotype --help", 0.15),
    _above_python("import optotype", 0.1),
    Aim("install", "at most 130 MB", total, 130, at_least=False, form="{:.0f} MB"),
    Aim(
        "serving",
        "at least 800 requests/s with p99 under 120 ms",
        answered,
        800,
        at_least=True,
        form="{:.0f}/s",
    ),
    Aim("serving-overload", "at least 3 times the capacity is asked for", _times_capacity, 3, at_least=True),
    Aim(
        "serving-overload",
        "every request gets exactly one of 200, 429 and 503, the latter with Retry-After",
        astray,
        0,
        at_least=False,
        form="{:.0f} did not",
    ),
    Aim("serving-overload", "memory grows by at most 5 %", _growth, 0.05, at_least=False, form="{:.1%}"),
    _times("serving-1", 1, "litserve", "LitServe"),
    _times("serving-64", 1, "litserve", "LitServe"),
)
