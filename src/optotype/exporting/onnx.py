"""A model as ONNX: uint8 images in, as they come from a file, probabilities and logits out.

The graph scales the pixels itself, and turns them into ONNX's order of channels, height, width; before Flatten it turns
them back, so that the dense weights stay as they are. The class names are metadata.
"""

import json
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from optotype.engine.layers import BatchNormalization, Conv2D, Dense, Flatten, MaxPooling2D
from optotype.errors import ExportError
from optotype.exporting.content import Content, Stage
from optotype.exporting.verification import Answers, Batches

OPSET: Final = 13
"""Version of the operators: of 2020, known to every runtime in use."""
_IR: Final = 7
"""Version of the file format that belongs to it."""
_ACTIVATIONS: Final = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}


class _Graph:
    """The nodes so far, each fed by the one before, and their weights."""

    def __init__(self, helper: Any, numpy_helper: Any) -> None:  # noqa: ANN401 - onnx has no types
        self._helper, self._numpy_helper = helper, numpy_helper
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self.last = "images"

    def node(self, operator: str, *weights: NDArray[np.float32], name: str = "", **settings: object) -> None:
        """Add a node that takes the last one's output, and these weights."""
        output = name or f"{operator.lower()}_{len(self.nodes)}"
        names = [f"{output}.{place}" for place in range(len(weights))]
        self.weights += map(self._numpy_helper.from_array, weights, names)
        self.nodes.append(self._helper.make_node(operator, [self.last, *names], [output], **settings))
        self.last = output


def write(content: Content, path: Path) -> None:
    """Write an ONNX file.

    Args:
        content: The model.
        path: Where.

    Raises:
        ExportError: onnx or onnxruntime is not installed.
        OSError: The file cannot be written.
    """
    onnx = _package("onnx")
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    graph = _Graph(helper, onnx.numpy_helper)
    graph.node("Cast", to=floats)
    graph.node("Mul", np.array(content.scale, np.float32))
    graph.node("Transpose", perm=[0, 3, 1, 2])
    for stage in content.stages[:-1]:
        _add(graph, stage)
    head = content.stages[-1].weights
    graph.node("Gemm", head["kernel"], head["bias"], name="logits")
    graph.node("Softmax", name="probabilities", axis=-1)
    shape = ["n", len(content.class_names)]
    outputs = [helper.make_tensor_value_info(name, floats, shape) for name in ("probabilities", "logits")]
    images = helper.make_tensor_value_info("images", onnx.TensorProto.UINT8, ["n", *content.input_shape])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "optotype", [images], outputs, graph.weights),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=_IR,
        producer_name="optotype",
    )
    helper.set_model_props(
        model, {"class_names": json.dumps(content.class_names), "recipe": json.dumps(content.recipe)}
    )
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def predict(path: Path, batches: Batches) -> Answers:
    """Ask the file by onnxruntime."""
    runtime = _package("onnxruntime")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for images in batches:
        yield session.run(["probabilities"], {"images": images})[0]


def _add(graph: _Graph, stage: Stage) -> None:
    """Add a layer before the head."""
    match stage.layer:
        case Dense():
            graph.node("Gemm", stage.weights["kernel"], stage.weights["bias"])
            _activate(graph, stage.layer.activation)
        case Conv2D():
            sides = stage.layer.window
            before = [(side - 1) // 2 for side in sides]
            after = [side // 2 for side in sides]
            pads = [*before, *after] if stage.layer.padding == "same" else [0, 0, 0, 0]
            kernel = np.ascontiguousarray(stage.weights["kernel"].transpose(3, 2, 0, 1))
            graph.node("Conv", kernel, stage.weights["bias"], kernel_shape=sides, pads=pads)
            _activate(graph, stage.layer.activation)
        case MaxPooling2D():
            graph.node("MaxPool", kernel_shape=stage.layer.window, strides=stage.layer.window)
        case BatchNormalization():
            names = ("gamma", "beta", "moving_mean", "moving_variance")
            weights = [stage.weights[name] for name in names]
            graph.node("BatchNormalization", *weights, epsilon=stage.layer.epsilon)
        case Flatten():
            if len(stage.input_shape) > 1:
                graph.node("Transpose", perm=[0, 2, 3, 1])
                graph.node("Flatten")
        # Dropout changes nothing outside of training.


def _activate(graph: _Graph, activation: str) -> None:
    if activation != "linear":
        graph.node(_ACTIVATIONS[activation])


def _package(name: str) -> Any:  # noqa: ANN401 - neither has types
    try:
        return import_module(name)
    except ImportError as error:
        raise ExportError(
            f"An export to ONNX needs the packages onnx and onnxruntime, and {name} is not installed, expected it to"
            " be. Install them: pip install 'optotype[onnx]'."
        ) from error
