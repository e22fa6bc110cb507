"""The lines of the benchmark, in the order of measuring and showing."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from benchmarks import resources, timing
from benchmarks.environments import KERAS, ONNX, SERVERS, TORCH, Environment
from benchmarks.results import Measured
from benchmarks.serving import measures as serving
from benchmarks.timing import Effort

Measure = Callable[[str, Effort], Measured]


@dataclass(frozen=True)
class Line:
    """One line.

    Attributes:
        title: The quantity measured.
        minutes: The approximate duration on two cores, for the estimate of the time left.
        measure: Measures the line of a given name.
        check: The meaning of the record's checks; empty without checks.
        environments: The environments of the peers.
    """

    title: str
    minutes: float
    measure: Measure
    check: str = ""
    environments: tuple[Environment, ...] = (KERAS, TORCH, ONNX)


_LEARNED: Final = "training accuracy"
_AVX2: Final = partial(timing.epochs, avx2=True)
_LABELS: Final = "share of labels equal to optotype's"

LINES: Final[dict[str, Line]] = {
    "start": Line("Start of a process", 0.2, resources.start),
    "install": Line("Download of a default install", 0.5, resources.install),
    "cnn-small": Line("Epoch of cnn-small", 5.5, timing.epochs, _LEARNED),
    "cnn-large": Line("Epoch of cnn-large", 5.5, timing.epochs, _LEARNED),
    "mlp-512-512": Line("Epoch of mlp-512-512", 2.5, timing.epochs, _LEARNED),
    "dnn-sigmoid": Line("Epoch of dnn-sigmoid (batch 32)", 3, timing.epochs, _LEARNED),
    "mlp-300-300": Line("Epoch of mlp-300-300 (Adam, batch 32)", 3, timing.epochs, _LEARNED),
    "convolutions": Line(
        "3x3 convolutions of a CIFAR net, forward and backward", 6, timing.convolutions, _LEARNED
    ),
    "augmentation": Line("Epoch of cnn-large with augmentation", 1, timing.augmentation),
    "fresh": Line(
        "A fresh process trains mnist-quick and saves the model", 4, timing.fresh, "validation accuracy"
    ),
    "predict-10000": Line(
        "Prediction of 10,000 images with cnn-small, fp32",
        1.5,
        partial(timing.prediction, images=10_000, calls=3),
        "largest difference from optotype's probabilities",
    ),
    "predict-1": Line(
        "Prediction of one image with cnn-small, fp32",
        1.5,
        partial(timing.prediction, images=1, calls=300),
        "largest difference from optotype's probabilities",
    ),
    "cnn-small-avx2": Line("Epoch of cnn-small, restricted to AVX2", 4, _AVX2, _LEARNED),
    "dnn-sigmoid-avx2": Line("Epoch of dnn-sigmoid, restricted to AVX2", 2, _AVX2, _LEARNED),
    "mlp-512-512-avx2": Line("Epoch of mlp-512-512, restricted to AVX2", 2, _AVX2, _LEARNED),
    "memory": Line("Memory", 0.3, resources.memory),
    "growth": Line("Growth with the number of images", 1.5, resources.growth),
    "serving": Line("optotype serve: capacity", 2, serving.capacity, environments=()),
    "serving-overload": Line("optotype serve: overload", 1.7, serving.overload, environments=()),
    "serving-1": Line(
        "Prediction of one image over HTTP, one connection",
        2.5,
        partial(serving.beside_peers, connections=1),
        _LABELS,
        (SERVERS,),
    ),
    "serving-64": Line(
        "Prediction of one image over HTTP, 64 connections",
        2.5,
        partial(serving.beside_peers, connections=64),
        _LABELS,
        (SERVERS,),
    ),
}
