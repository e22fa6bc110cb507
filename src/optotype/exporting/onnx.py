"""ONNX export: uint8 images in, probabilities and logits out.

The graph scales the pixels and transposes them to ONNX's order of channels, height and width. Before Flatten it
transposes them back, so that the weights of Dense layers stay unchanged. The class names are metadata.
"""

import json
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from optotype.engine.layers import BatchNormalization, Conv2D, Dense, Flatten, MaxPooling2D
from optotype.errors import ExportError
from optotype.exporting.exported_model import ExportedLayer, ExportedModel
from optotype.exporting.formats import Format
from optotype.exporting.verification import ImageBatches, ProbabilityBatches

OPSET: Final = 13
"""Version of the operator set, of 2020: every runtime in use supports it."""
_IR_VERSION: Final = 7
"""Version of the file format that belongs to the operator set."""
_ACTIVATIONS: Final = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}


class _Graph:
    """A chain of nodes, each fed by the previous one, with their weights.

    Attributes:
        nodes: The nodes.
        weights: Their weights.
        output: Name of the last node's output.
    """

    def __init__(self, helper: Any, numpy_helper: Any) -> None:  # noqa: ANN401 - onnx has no types
        self._helper, self._numpy_helper = helper, numpy_helper
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self.output = "images"

    def add(self, operator: str, *weights: NDArray[np.float32], name: str = "", **settings: object) -> None:
        """Add a node that takes the previous output and these weights."""
        output = name or f"{operator.lower()}_{len(self.nodes)}"
        names = [f"{output}.{index}" for index in range(len(weights))]
        self.weights += map(self._numpy_helper.from_array, weights, names)
        self.nodes.append(self._helper.make_node(operator, [self.output, *names], [output], **settings))
        self.output = output


def write(model: ExportedModel, path: Path) -> None:
    """Write an ONNX file.

    Args:
        model: The model.
        path: The file to write.

    Raises:
        ExportError: If onnx or onnxruntime is not installed.
        OSError: If the file cannot be written.
    """
    onnx = _import("onnx")
    helper, float32 = onnx.helper, onnx.TensorProto.FLOAT
    graph = _Graph(helper, onnx.numpy_helper)
    graph.add("Cast", to=float32)
    graph.add("Mul", np.array(model.scale, np.float32))
    graph.add("Transpose", perm=[0, 3, 1, 2])
    for exported in model.layers[:-1]:
        _add_layer(graph, exported)
    head = model.layers[-1].weights
    graph.add("Gemm", head["kernel"], head["bias"], name="logits")
    graph.add("Softmax", name="probabilities", axis=-1)
    shape = ["n", len(model.class_names)]
    outputs = [helper.make_tensor_value_info(name, float32, shape) for name in ("probabilities", "logits")]
    images = helper.make_tensor_value_info("images", onnx.TensorProto.UINT8, ["n", *model.input_shape])
    proto = helper.make_model(
        helper.make_graph(graph.nodes, "optotype", [images], outputs, graph.weights),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=_IR_VERSION,
        producer_name="optotype",
    )
    helper.set_model_props(
        proto, {"class_names": json.dumps(model.class_names), "recipe": json.dumps(model.recipe)}
    )
    onnx.checker.check_model(proto, full_check=True)
    path.write_bytes(proto.SerializeToString(deterministic=True))


def predict(path: Path, batches: ImageBatches) -> ProbabilityBatches:
    """Yield the file's predictions, computed by onnxruntime."""
    runtime = _import("onnxruntime")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for images in batches:
        yield session.run(["probabilities"], {"images": images})[0]


FORMAT: Final = Format((".onnx",), write, predict, "onnxruntime")


def _add_layer(graph: _Graph, exported: ExportedLayer) -> None:
    """Add a layer in front of the head."""
    layer, weights = exported.layer, exported.weights
    match layer:
        case Dense():
            graph.add("Gemm", weights["kernel"], weights["bias"])
            _add_activation(graph, layer.activation)
        case Conv2D():
            begins = [(size - 1) // 2 for size in layer.window]
            ends = [size // 2 for size in layer.window]
            pads = [*begins, *ends] if layer.padding == "same" else [0, 0, 0, 0]
            kernel = np.ascontiguousarray(weights["kernel"].transpose(3, 2, 0, 1))
            graph.add("Conv", kernel, weights["bias"], kernel_shape=layer.window, pads=pads)
            _add_activation(graph, layer.activation)
        case MaxPooling2D():
            graph.add("MaxPool", kernel_shape=layer.window, strides=layer.window)
        case BatchNormalization():
            names = ("gamma", "beta", "moving_mean", "moving_variance")
            graph.add("BatchNormalization", *(weights[name] for name in names), epsilon=layer.epsilon)
        case Flatten():
            if len(exported.input_shape) > 1:
                graph.add("Transpose", perm=[0, 2, 3, 1])
                graph.add("Flatten")
        # Dropout has no effect on predictions.


def _add_activation(graph: _Graph, activation: str) -> None:
    if activation != "linear":
        graph.add(_ACTIVATIONS[activation])


def _import(name: str) -> Any:  # noqa: ANN401 - neither package has types
    try:
        return import_module(name)
    except ImportError as error:
        raise ExportError(
            f"Cannot export to ONNX: the package {name} is not installed. Install it: pip install 'optotype[onnx]'."
        ) from error
