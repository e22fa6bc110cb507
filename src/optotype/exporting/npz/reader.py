"""Reader of NPZ exports that needs only NumPy. docs/exports.md shows this file, so it imports nothing of optotype."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def predict(path: str | Path, images: NDArray[np.uint8]) -> Array:
    """Return probabilities (n, classes) of images (n, height, width, channels) with pixels of 0 to 255."""
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    network = json.loads(str(arrays["network"]))
    x: Array = images.astype(np.float32) * np.float32(network["scale"])
    for index, layer in enumerate(network["layers"]):
        prefix = f"{index}."
        weights = {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}
        x = activate(layer.get("activation"), apply(layer, weights, x))
    return x


def apply(layer: dict[str, Any], weights: dict[str, Array], x: Array) -> Array:
    """Compute a layer without its activation; Dropout has no effect on predictions."""
    match layer["type"]:
        case "Dense":
            x = x @ weights["kernel"] + weights["bias"]
        case "Conv2D":
            x = convolve(x, weights["kernel"], layer["padding"]) + weights["bias"]
        case "MaxPooling2D":
            x = max_pool(x, layer["pool_size"])
        case "BatchNormalization":
            scale = weights["gamma"] / np.sqrt(weights["moving_variance"] + np.float32(layer["epsilon"]))
            x = (x - weights["moving_mean"]) * scale + weights["beta"]
        case "Flatten":
            x = x.reshape(len(x), -1)
    return x


def convolve(x: Array, kernel: Array, padding: str) -> Array:
    """Convolve images with a kernel of shape (height, width, channels, filters)."""
    height, width = kernel.shape[:2]
    if padding == "same":
        padding_widths = ((height - 1) // 2, height // 2), ((width - 1) // 2, width // 2)
        x = np.pad(x, ((0, 0), *padding_widths, (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (height, width), axis=(1, 2))
    y: Array = np.tensordot(windows, kernel, axes=((4, 5, 3), (0, 1, 2)))
    return y


def max_pool(x: Array, pool_size: int | list[int]) -> Array:
    """Compute the maximum of each window."""
    rows, columns = (pool_size, pool_size) if isinstance(pool_size, int) else pool_size
    n, height, width, channels = x.shape
    x = x[:, : height // rows * rows, : width // columns * columns]
    y: Array = x.reshape(n, height // rows, rows, width // columns, columns, channels).max(axis=(2, 4))
    return y


def activate(activation: str | None, x: Array) -> Array:
    """Apply an activation."""
    match activation:
        case "relu":
            x = np.maximum(x, 0)
        case "tanh":
            x = np.tanh(x)
        case "sigmoid":
            half = np.float32(0.5)
            x = half * np.tanh(half * x) + half
        case "softmax":
            exponentials = np.exp(x - x.max(axis=1, keepdims=True))
            x = exponentials / exponentials.sum(axis=1, keepdims=True)
    return x
