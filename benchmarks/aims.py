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
)
