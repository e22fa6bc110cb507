"""An NPZ export, used with NumPy alone. docs/exports.md shows this file; it imports nothing of optotype."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def predict(path: str | Path, images: NDArray[np.uint8]) -> Array:
    """Give the probability of each class, (n, classes), for images of 0 .. 255, (n, height, width, channels)."""
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    network = json.loads(str(arrays["network"]))
    x: Array = images.astype(np.float32) * np.float32(network["scale"])
    for place, layer in enumerate(network["layers"]):
        weights = {name.split(".")[1]: each for name, each in arrays.items() if name.startswith(f"{place}.")}
        x = activate(layer.get("activation"), apply(layer, weights, x))
    return x


def apply(layer: dict[str, Any], weights: dict[str, Array], x: Array) -> Array:
    """Compute one layer but for its activation; Dropout does nothing."""
    match layer["type"]:
        case "Dense":
            x = x @ weights["kernel"] + weights["bias"]
        case "Conv2D":
            x = convolve(x, weights["kernel"], layer["padding"]) + weights["bias"]
        case "MaxPooling2D":
            x = max_pool(x, layer["pool_size"])
        case "BatchNormalization":
            slope = weights["gamma"] / np.sqrt(weights["moving_variance"] + np.float32(layer["epsilon"]))
            x = (x - weights["moving_mean"]) * slope + weights["beta"]
        case "Flatten":
            x = x.reshape(len(x), -1)
    return x


def convolve(x: Array, kernel: Array, padding: str) -> Array:
    """Slide a kernel (height, width, channels, filters) over images."""
    height, width = kernel.shape[:2]
    if padding == "same":
        sides = ((height - 1) // 2, height // 2), ((width - 1) // 2, width // 2)
        x = np.pad(x, ((0, 0), *sides, (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (height, width), axis=(1, 2))
    y: Array = np.tensordot(windows, kernel, axes=((4, 5, 3), (0, 1, 2)))
    return y


def max_pool(x: Array, pool_size: int | list[int]) -> Array:
    """Take the largest value of each window."""
    high, wide = (pool_size, pool_size) if isinstance(pool_size, int) else pool_size
    n, height, width, channels = x.shape
    x = x[:, : height // high * high, : width // wide * wide]
    y: Array = x.reshape(n, height // high, high, width // wide, wide, channels).max(axis=(2, 4))
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
            powers = np.exp(x - x.max(axis=1, keepdims=True))
            x = powers / powers.sum(axis=1, keepdims=True)
    return x
