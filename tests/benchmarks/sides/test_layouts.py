from typing import Any

import numpy as np
import pytest

from benchmarks.sides.layouts import channels_first

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("padding", "side"), [("valid", 4), ("same", 6)])
def test_permuted_dense_kernel_gives_the_same_outputs(padding: str, side: int) -> None:
    """After Flatten of channels first, the permuted kernel equals Keras's kernel after Flatten of channels last."""
    layers: list[dict[str, Any]] = [
        {"type": "Conv2D", "filters": 3, "padding": padding},
        {"type": "MaxPooling2D", "pool_size": 2},
        {"type": "Dropout"},
        {"type": "Flatten"},
        {"type": "Dense"},
        {"type": "Dense"},
    ]
    features = (side // 2) ** 2 * 3
    shapes = {"0.kernel": (3, 3, 2, 3), "0.bias": (3,), "4.kernel": (features, 5), "5.kernel": (5, 4)}
    weights = {name: RNG.random(shape, np.float32) for name, shape in shapes.items()}
    permuted = channels_first(weights, layers, (6, 6, 2))
    image = RNG.random((side // 2, side // 2, 3))
    np.testing.assert_allclose(
        permuted["4.kernel"] @ image.transpose(2, 0, 1).ravel(), image.ravel() @ weights["4.kernel"]
    )
    np.testing.assert_array_equal(permuted["5.kernel"], weights["5.kernel"].T)
    assert permuted["0.kernel"].shape == (3, 2, 3, 3)
