"""Outputs of inner layers equal NumPy's, with the same bits for any number of threads or outputs."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from optotype.engine.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, Layer, MaxPooling2D
from optotype.engine.network import Network
from optotype.engine.optimizers import SGD
from optotype.engine.processor import available_isas
from optotype.errors import EngineError
from tests.contracts.nets import NETS, images, network, steps

Values = NDArray[Any]
ACTIVATIONS: dict[str, Callable[[Values], Values]] = {
    "linear": lambda x: x,
    "softmax": lambda x: x,  # the engine's last layer returns logits
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}


def _convolve(layer: Conv2D, x: Values, kernel: Values) -> Values:
    if layer.padding == "same":
        padding = [(0, 0), *(((size - 1) // 2, size // 2) for size in layer.window), (0, 0)]
        x = np.pad(x, padding)
    windows = sliding_window_view(x, layer.window, (1, 2))
    convolved: Values = np.einsum("nhwcij,ijcf->nhwf", windows, kernel)
    return convolved


def _forward(layer: Layer, x: Values, weights: dict[str, Values]) -> Values:
    match layer:
        case Flatten():
            return x.reshape(len(x), -1)
        case Dropout():
            return x
        case Dense():
            return ACTIVATIONS[layer.activation](x @ weights["kernel"] + weights["bias"])
        case Conv2D():
            return ACTIVATIONS[layer.activation](_convolve(layer, x, weights["kernel"]) + weights["bias"])
        case BatchNormalization():
            normalized = (x - weights["moving_mean"]) / np.sqrt(weights["moving_variance"] + layer.epsilon)
            scaled: Values = normalized * weights["gamma"] + weights["beta"]
            return scaled
        case MaxPooling2D():
            (height, width), (rows, columns) = layer.window, x.shape[1:3]
            x = x[:, : rows // height * height, : columns // width * width]
            blocks = x.reshape(len(x), rows // height, height, columns // width, width, -1)
            maxima: Values = blocks.max(axis=(2, 4))
            return maxima


@pytest.mark.parametrize("isa", available_isas())
@pytest.mark.parametrize("net", NETS)
def test_layers_equal_numpy(net: str, isa: str) -> None:
    """After some training every layer's outputs equal NumPy's on the layer's inputs, up to rounding."""
    trained = network(net, SGD(), 43, isa=isa, precision="bf16" if isa == "amx" else "fp32")
    steps(trained, 3, 43, 0.1, n=101)
    x: NDArray[np.floating] = images(37)
    for index, layer in enumerate(NETS[net]):
        weights = {
            name.partition(".")[2]: values.astype(np.float64)
            for name, values in trained.weights().items()
            if name.startswith(f"{index}.")
        }
        outputs = trained.outputs(images(37), index)
        assert outputs.dtype == np.float32
        np.testing.assert_allclose(
            outputs, _forward(layer, x.astype(np.float64), weights), rtol=1e-4, atol=2e-5
        )
        x = outputs


@pytest.mark.parametrize("net", NETS)
def test_features_and_logits_are_layer_outputs(net: str) -> None:
    """Logits and features are bit-identical to the outputs of the last two layers."""
    untrained = network(net, SGD(), 43)
    x = images(37)
    logits, features = untrained.logits_and_features(x)
    np.testing.assert_array_equal(logits, untrained.logits(x))
    np.testing.assert_array_equal(logits, untrained.outputs(x, -1))
    np.testing.assert_array_equal(features, untrained.outputs(x, -2))
    np.testing.assert_array_equal(features[:1], untrained.logits_and_features(x[:1])[1])


@pytest.mark.parametrize("net", NETS)
def test_outputs_do_not_depend_on_threads(net: str) -> None:
    """Every layer's outputs are bit-identical with 1, 2 and 3 threads."""
    outputs = [
        [
            network(net, SGD(), 43, threads=threads).outputs(images(70), index)
            for index in range(len(NETS[net]))
        ]
        for threads in (1, 2, 3)
    ]
    for with_threads in outputs[1:]:
        for values, expected in zip(with_threads, outputs[0], strict=True):
            np.testing.assert_array_equal(values, expected)


def test_empty_batch_has_empty_outputs() -> None:
    """An empty array of images results in empty arrays of the right shapes."""
    untrained = network("MaxPooling2D", SGD(), 43)
    assert untrained.outputs(images(0), 0).shape == (0, 10, 8, 6)
    assert [values.shape for values in untrained.logits_and_features(images(0))] == [(0, 5), (0, 68)]


@pytest.mark.parametrize("index", [2, -3])
def test_layer_index_out_of_range_raises_engine_error(index: int) -> None:
    """An index beyond the layers is an EngineError with the valid range."""
    untrained = Network(NETS["Flatten"], (11, 9, 2))
    with pytest.raises(EngineError, match=rf"{index}.*-2 to 1"):
        untrained.outputs(images(1), index)
