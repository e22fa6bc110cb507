"""What inner layers give: what NumPy makes of the layer before, in the same bits whatever else is asked for."""

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
    "softmax": lambda x: x,  # the engine's last layer gives logits
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}


def _convolved(layer: Conv2D, x: Values, kernel: Values) -> Values:
    if layer.padding == "same":
        around = [(0, 0), *(((side - 1) // 2, side // 2) for side in layer.window), (0, 0)]
        x = np.pad(x, around)
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
            return ACTIVATIONS[layer.activation](_convolved(layer, x, weights["kernel"]) + weights["bias"])
        case BatchNormalization():
            normal = (x - weights["moving_mean"]) / np.sqrt(weights["moving_variance"] + layer.epsilon)
            scaled: Values = normal * weights["gamma"] + weights["beta"]
            return scaled
        case MaxPooling2D():
            (height, width), (rows, columns) = layer.window, x.shape[1:3]
            x = x[:, : rows // height * height, : columns // width * width]
            blocks = x.reshape(len(x), rows // height, height, columns // width, width, -1)
            largest: Values = blocks.max(axis=(2, 4))
            return largest


@pytest.mark.parametrize("isa", available_isas())
@pytest.mark.parametrize("net", NETS)
def test_each_layer_gives_what_numpy_makes_of_the_one_before(net: str, isa: str) -> None:
    """After some training the outputs of every layer are, to rounding, its definition applied to its input."""
    built = network(net, SGD(), 43, isa=isa, precision="bf16" if isa == "amx" else "fp32")
    steps(built, 3, 43, 0.1, n=101)
    x: NDArray[np.floating] = images(37)
    for place, layer in enumerate(NETS[net]):
        weights = {
            name.partition(".")[2]: values.astype(np.float64)
            for name, values in built.weights().items()
            if name.startswith(f"{place}.")
        }
        found = built.outputs(images(37), place)
        assert found.dtype == np.float32
        np.testing.assert_allclose(
            found, _forward(layer, x.astype(np.float64), weights), rtol=1e-4, atol=2e-5
        )
        x = found


@pytest.mark.parametrize("net", NETS)
def test_features_and_logits_of_one_pass_are_those_of_two(net: str) -> None:
    """The last layer's outputs are the logits and the layer's before are the features, to the bit."""
    built = network(net, SGD(), 43)
    x = images(37)
    logits, features = built.logits_and_features(x)
    np.testing.assert_array_equal(logits, built.logits(x))
    np.testing.assert_array_equal(logits, built.outputs(x, -1))
    np.testing.assert_array_equal(features, built.outputs(x, -2))
    np.testing.assert_array_equal(features[:1], built.logits_and_features(x[:1])[1])


@pytest.mark.parametrize("net", NETS)
def test_threads_change_no_bit_of_any_output(net: str) -> None:
    """Every layer's outputs have the same bits on 1, 2 and 3 threads."""
    ends = [
        [
            network(net, SGD(), 43, threads=threads).outputs(images(70), place)
            for place in range(len(NETS[net]))
        ]
        for threads in (1, 2, 3)
    ]
    for end in ends[1:]:
        for values, expected in zip(end, ends[0], strict=True):
            np.testing.assert_array_equal(values, expected)


def test_no_images_have_no_outputs() -> None:
    """An empty array is answered with empty ones of the right shapes."""
    built = network("MaxPooling2D", SGD(), 43)
    assert built.outputs(images(0), 0).shape == (0, 10, 8, 6)
    assert [each.shape for each in built.logits_and_features(images(0))] == [(0, 5), (0, 68)]


@pytest.mark.parametrize("place", [2, -3])
def test_a_layer_that_is_not_there_is_refused(place: int) -> None:
    """A place beyond the layers is an EngineError that says which there are."""
    built = Network(NETS["Flatten"], (11, 9, 2))
    with pytest.raises(EngineError, match=rf"layer {place} were asked for, expected -2 to 1"):
        built.outputs(images(1), place)
