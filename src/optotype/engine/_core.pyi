from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

def available_isas() -> list[str]: ...
def augment(
    images: NDArray[np.uint8] | NDArray[np.float32],
    places: NDArray[np.int64],
    augmentation: Augmentation,
    key: int,
    scale: float,
    isa: str,
    out: NDArray[np.float32],
) -> None: ...

class Augmentation:
    shift: int
    cutout: int
    flip: bool
    reflect: bool
    rotation: float
    scale: float
    brightness: float
    contrast: float
    elastic: float
    elastic_sigma: float

class Network:
    def __init__(self, shape: Sequence[int], isa: str, threads: int, bf16: bool) -> None: ...
    def add_dense(self, units: int) -> int: ...
    def add_conv2d(self, filters: int, height: int, width: int, same: bool) -> int: ...
    def add_max_pooling2d(self, height: int, width: int) -> int: ...
    def add_flatten(self) -> int: ...
    def add_activation(self, name: str) -> int: ...
    def add_dropout(self, rate: float) -> int: ...
    def add_batch_normalization(self, momentum: float, epsilon: float) -> int: ...
    def compile(
        self,
        optimizer: str,
        first_decay: float,
        second_decay: float,
        epsilon: float,
        batch: int,
        augmentation: Augmentation | None,
    ) -> None: ...
    def train_epoch(
        self,
        images: NDArray[np.uint8] | NDArray[np.float32],
        labels: NDArray[np.int32],
        order: NDArray[np.int64],
        learning_rates: NDArray[np.float32],
        key: int,
        scale: float,
        report: Callable[[int], object] | None,
    ) -> tuple[float, int, int, int, bool]: ...
    def predict(
        self,
        images: NDArray[np.uint8] | NDArray[np.float32],
        scale: float,
        outputs: NDArray[np.float32],
        features: NDArray[np.float32] | None,
        report: Callable[[int], object] | None,
        bf16: bool,
    ) -> None: ...
    def read_parameter(self, layer: int, index: int, out: NDArray[np.float32]) -> None: ...
    def write_parameter(self, layer: int, index: int, values: NDArray[np.float32]) -> None: ...
