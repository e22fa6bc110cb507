"""Weights from Keras's layouts to those of PyTorch and ONNX, which put channels first."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Weights = dict[str, NDArray[np.float32]]


def channels_first(weights: Weights, layers: list[dict[str, Any]], shape: tuple[int, ...]) -> Weights:
    """Transpose the kernels.

    Args:
        weights: "0.kernel", "0.bias", ...: convolutions (height, width, inputs, filters), dense (inputs, units).
        layers: The layers' types and settings; windows have no strides.
        shape: (height, width, channels) of an image.

    Returns:
        The same names: convolutions (filters, inputs, height, width), dense (units, inputs), where the inputs of the
        first dense layer are in the order channels, height, width.
    """
    permuted, flattened = dict(weights), False
    for index, layer in enumerate(layers):
        name = f"{index}.kernel"
        if layer["type"] == "Conv2D":
            permuted[name] = np.ascontiguousarray(weights[name].transpose(3, 2, 0, 1))
            window = weights[name].shape[:2]
            lost = (0, 0) if layer.get("padding") == "same" else (window[0] - 1, window[1] - 1)
            shape = (shape[0] - lost[0], shape[1] - lost[1], layer["filters"])
        elif layer["type"] == "MaxPooling2D":
            height, width = (
                (layer["pool_size"],) * 2 if isinstance(layer["pool_size"], int) else layer["pool_size"]
            )
            shape = (shape[0] // height, shape[1] // width, shape[2])
        elif layer["type"] == "Dense":
            kernel = weights[name]
            if not flattened:
                kernel = kernel.reshape(*shape, -1).transpose(2, 0, 1, 3).reshape(kernel.shape)
            permuted[name], flattened = np.ascontiguousarray(kernel.T), True
    return permuted
