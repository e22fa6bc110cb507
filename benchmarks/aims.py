"""The aims of the benchmark: a number computed from measured values, and its bound."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.results import Measured


@dataclass(frozen=True)
class Aim:
    """One aim.

    Attributes:
        line: The name of the line.
        text: The aim in words.
        value: Computes the number.
        bound: The bound of the number,
        at_least: from here up, or else from here down.
        format: The format of the number.
    """

    line: str
    text: str
    value: Callable[[Measured], float]
    bound: float
    at_least: bool
    format: str = "{:.1f}"

    def reached(self, measured: Measured) -> bool:
        """Return whether the measured number keeps the bound."""
        value = self.value(measured)
        return value >= self.bound if self.at_least else value <= self.bound

    def formatted(self, measured: Measured) -> str:
        """Format the measured number."""
        return self.format.format(self.value(measured))


def _times(line: str, bound: float, library: str = "", peers: str = "the fastest peer") -> Aim:
    text = f"at least {bound:g} times as fast as {peers}"
    return Aim(
        line, text, lambda measured: measured.times(library), bound, at_least=True, format="{:.2f} times"
    )


def _share(line: str, precision: str, bound: float) -> Aim:
    side = f"optotype {precision}"
    return Aim(
        line,
        f"at least {bound:.0%} of the limit in {precision}",
        # A processor without that precision reaches 0 % of its limit.
        lambda measured: measured.share(side) if side in measured.peaks else 0.0,
        bound,
        at_least=True,
        format="{:.0%}",
    )


def _above_python(name: str, bound: float) -> Aim:
    def value(measured: Measured) -> float:
        return measured.median(name) - measured.median("bare Python")

    text = f"{name}: at most {bound:g} s above bare Python"
    return Aim("start", text, value, bound, at_least=False, format="{:.3f} s")


def _memory(recipe: str) -> Aim:
    def value(measured: Measured) -> float:
        required = measured.median(f"{recipe} data") + measured.median(f"{recipe} plan")
        return measured.median(f"{recipe} above") / required

    text = f"{recipe}: at most 1.5 times the data and the network's buffers"
    return Aim("memory", text, value, 1.5, at_least=False, format="{:.2f} times")


def surplus(measured: Measured) -> float:
    """Return the relative extra time of an epoch with shift, flip, rotation and scale."""
    return measured.median("shift, flip, rotation and scale") / measured.median("images as they are") - 1


def spread(measured: Measured) -> float:
    """Return the relative extra time of the slowest quantity over the fastest."""
    medians = [measured.median(name) for name in measured.values]
    return max(medians) / min(medians) - 1


def total(measured: Measured) -> float:
    """Return the sum of all quantities."""
    return sum(measured.median(name) for name in measured.values)


MAX_P99: Final = 120
"""The bound of the 99th percentile of response times, in milliseconds."""


def requests_per_second(measured: Measured) -> float:
    """Return the highest requests per second among the loads whose 99th percentile is low enough."""
    loads = [name.removesuffix(": requests/s") for name in measured.values if name.endswith(": requests/s")]
    fast_loads = [load for load in loads if measured.median(f"{load}: p99, ms") < MAX_P99]
    return max((measured.median(f"{load}: requests/s") for load in fast_loads), default=0.0)


def invalid_responses(measured: Measured) -> float:
    """Count requests without exactly one response of 200, 429 and 503, the last two with Retry-After."""
    kinds = (
        "other answers",
        "without Retry-After",
        "broken connections",
        "not answered within 30 s",
        "without an answer",
        "without a request",
    )
    return sum(measured.median(name) for name in measured.values if name.endswith(kinds))


def _times_capacity(measured: Measured) -> float:
    sent = measured.median("3 times the capacity: requests sent/s")
    return round(sent / measured.median("capacity, requests/s"), 1)


def _growth(measured: Measured) -> float:
    early = measured.median("1000 at once: memory after a sixth of it, MB")
    return measured.median("1000 at once: most memory from then on, MB") / early - 1


AIMS: Final = (
    _times("cnn-small", 6),
    _times("cnn-large", 6),
    _times("mlp-512-512", 2.5),
    _times("dnn-sigmoid", 3),
    _times("mlp-300-300", 3),
    _times("convolutions", 3, "torch", "PyTorch's fastest setting"),
    Aim(
        "augmentation",
        "at most 15 % more time with shift, flip, rotation and scale",
        surplus,
        0.15,
        at_least=False,
        format="{:.0%}",
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
    Aim("growth", "time per image constant within 25 %", spread, 0.25, at_least=False, format="{:.0%}"),
    _above_python("optotype --help", 0.15),
    _above_python("import optotype", 0.1),
    Aim("install", "at most 130 MB", total, 130, at_least=False, format="{:.0f} MB"),
    Aim(
        "serving",
        "at least 800 requests/s with p99 under 120 ms",
        requests_per_second,
        800,
        at_least=True,
        format="{:.0f}/s",
    ),
    Aim("serving-overload", "load of at least 3 times the capacity", _times_capacity, 3, at_least=True),
    Aim(
        "serving-overload",
        "every request gets exactly one of 200, 429 and 503, the last two with Retry-After",
        invalid_responses,
        0,
        at_least=False,
        format="{:.0f} did not",
    ),
    Aim("serving-overload", "memory grows by at most 5 %", _growth, 0.05, at_least=False, format="{:.1%}"),
    _times("serving-1", 1, "litserve", "LitServe"),
    _times("serving-64", 1, "litserve", "LitServe"),
)
