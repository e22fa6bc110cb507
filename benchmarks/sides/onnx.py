"""Prediction with ONNX Runtime, from an ONNX graph written by hand."""

from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

from benchmarks.sides import child
from benchmarks.sides.child import Json, Parent
from benchmarks.sides.layouts import Weights, channels_first

_ACTIVATIONS = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "softmax": "Softmax"}
# Versions of operators and file format that the runtime has supported for years.
_OPERATORS, _FILE = 17, 10


def predict(parent: Parent) -> Json:
    """Predict in single precision, "batch" images at a time."""
    job = parent.job
    images, _ = child.read_images(job)
    layers = child.layers_with_head(job)
    model = graph(layers, channels_first(child.read_weights(job), layers, images.shape[1:]), images.shape[1:])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(job["cores"])
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    batch = job["batch"]

    def run(pixels: NDArray[Any]) -> NDArray[Any]:
        parts = [
            session.run(None, {"images": pixels[start : start + batch]})[0]
            for start in range(0, len(pixels), batch)
        ]
        return np.concatenate(parts)

    pixels = np.ascontiguousarray(child.scaled(job, images).transpose(0, 3, 1, 2))
    return {**child.repeat(parent, run, pixels), "versions": child.versions("onnxruntime", "numpy")}


def graph(layers: list[Json], weights: Weights, shape: tuple[int, ...]) -> ModelProto:
    """Return the net as a graph from images (n, channels, height, width) to probabilities.

    Args:
        layers: Conv2D, MaxPooling2D, Dropout (identity in prediction), Flatten and Dense.
        weights: The weights in ONNX's layouts.
        shape: (height, width, channels) of an image.
    """
    nodes: list[Any] = []
    last = "images"

    def add(kind: str, *inputs: str, **attributes: Any) -> None:
        nonlocal last
        out = f"{len(nodes)}.{kind}"
        nodes.append(helper.make_node(kind, [last, *inputs], [out], **attributes))
        last = out

    for index, layer in enumerate(layers):
        names = f"{index}.kernel", f"{index}.bias"
        match layer["type"]:
            case "Conv2D":
                padding = {"same": "SAME_UPPER", "valid": "VALID"}[layer.get("padding", "valid")]
                add("Conv", *names, auto_pad=padding)
            case "Dense":
                add("Gemm", *names, transB=1)
            case "MaxPooling2D":
                size = layer["pool_size"]
                window = [size, size] if isinstance(size, int) else list(size)
                add("MaxPool", kernel_shape=window, strides=window)
            case "Flatten":
                add("Flatten")
        if layer.get("activation") in _ACTIVATIONS:
            add(_ACTIVATIONS[layer["activation"]])
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", shape[2], shape[0], shape[1]])
    result = helper.make_tensor_value_info(last, TensorProto.FLOAT, ["n", layers[-1]["units"]])
    constants = [numpy_helper.from_array(weight, name) for name, weight in weights.items()]
    made = helper.make_graph(nodes, "net", [images], [result], constants)
    operators = [helper.make_opsetid("", _OPERATORS)]
    return helper.make_model(made, opset_imports=operators, ir_version=_FILE)


if __name__ == "__main__":
    child.run({"predict": predict})
