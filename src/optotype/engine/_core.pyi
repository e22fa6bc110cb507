# Generated from csrc/bindings.cpp by `make format`. Do not edit.
# ruff: noqa: C408, D200, D205, D212, ICN001, PYI021
"""
The native engine. `optotype.engine` wraps it; arguments are checked here for memory safety only.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import numpy
from numpy.typing import NDArray

def available_isas() -> list[str]:
    """
    Return the names of the instruction sets that this processor can run, the fastest last.
    """

def augment(
    images: Annotated[
        NDArray[numpy.uint8], dict(shape=(None, None, None, None), order="C", device="cpu", writable=False)
    ]
    | Annotated[
        NDArray[numpy.float32], dict(shape=(None, None, None, None), order="C", device="cpu", writable=False)
    ],
    indices: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)],
    augmentation: Mapping[str, bool | int | float | str | tuple[int, int]],
    key: int,
    scale: float,
    isa: str,
    out: Annotated[NDArray[numpy.float32], dict(shape=(None, None, None, None), order="C", device="cpu")],
) -> None:
    """
    Write the images with these indices to `out`, changed as in the epoch with this key.
    """

class Network:
    """
    Layers with weights, and the threads that train them and predict with them.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        layers: Sequence[tuple[str, Mapping[str, bool | int | float | str | tuple[int, int]]]],
        isa: str,
        threads: int,
        bf16: bool,
    ) -> None:
        """Build a network from the type and the settings of each layer."""

    def compile(
        self,
        optimizer: str,
        settings: Mapping[str, bool | int | float | str | tuple[int, int]],
        batch_size: int,
        augmentation: Mapping[str, bool | int | float | str | tuple[int, int]] | None,
    ) -> None:
        """Reserve the memory for training, and reset the optimizer."""

    def train_epoch(
        self,
        images: Annotated[
            NDArray[numpy.uint8],
            dict(shape=(None, None, None, None), order="C", device="cpu", writable=False),
        ]
        | Annotated[
            NDArray[numpy.float32],
            dict(shape=(None, None, None, None), order="C", device="cpu", writable=False),
        ],
        labels: Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)],
        order: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)],
        learning_rates: Annotated[
            NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        key: int,
        scale: float,
        report: Callable[[int], object] | None,
    ) -> tuple[float, int, int, int, bool]:
        """
        Train on the images in this order. Return the sum of losses, the number of correct predictions, images
        and steps, and whether every loss was finite.
        """

    def predict(
        self,
        images: Annotated[
            NDArray[numpy.uint8],
            dict(shape=(None, None, None, None), order="C", device="cpu", writable=False),
        ]
        | Annotated[
            NDArray[numpy.float32],
            dict(shape=(None, None, None, None), order="C", device="cpu", writable=False),
        ],
        scale: float,
        outputs: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order="C", device="cpu")],
        features: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order="C", device="cpu")] | None,
        report: Callable[[int], object] | None,
        bf16: bool,
    ) -> None:
        """
        Write the output of the last layer, and on request its input, for each image.
        """

    def read_parameter(
        self,
        layer: int,
        index: int,
        out: Annotated[NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu")],
    ) -> None:
        """Copy a parameter of a layer to `out`, in the layout of Keras."""

    def write_parameter(
        self,
        layer: int,
        index: int,
        values: Annotated[
            NDArray[numpy.float32], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
    ) -> None:
        """Set a parameter of a layer from values in the layout of Keras."""
