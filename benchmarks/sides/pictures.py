"""Image decoding with Pillow and prediction with ONNX Runtime, for the other servers."""

import io
import json
import sys
from importlib import metadata
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

_PACKAGES = ("fastapi", "uvicorn", "onnxruntime", "pillow", "numpy")
_TOP = 3


class Network:
    """A network written by `optotype export --format onnx`.

    Args:
        path: The ONNX file.
    """

    def __init__(self, path: str) -> None:
        options = onnxruntime.SessionOptions()
        # More threads are slower: a batch of small images is short, and the cores are shared.
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._names = json.loads(self._session.get_modelmeta().custom_metadata_map["class_names"])
        _, self._height, self._width, _ = self._session.get_inputs()[0].shape

    def decode(self, body: bytes) -> NDArray[np.uint8]:
        """Decode a greyscale image to shape (h, w, 1)."""
        with Image.open(io.BytesIO(body)) as opened:
            picture = opened.convert("L")
        if picture.size != (self._width, self._height):
            picture = picture.resize((self._width, self._height), Image.Resampling.BILINEAR)
        return np.asarray(picture)[..., np.newaxis]

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Predict images of shape (n, h, w, 1), to shape (n, classes)."""
        probabilities: NDArray[np.float32] = self._session.run(["probabilities"], {"images": images})[0]
        return probabilities

    def response(self, probabilities: NDArray[np.float32]) -> dict[str, Any]:
        """Return the response of `optotype serve`: the most probable classes of one image."""
        order = np.argsort(-probabilities)[:_TOP]
        top = [{"label": self._names[k], "probability": float(probabilities[k])} for k in order]
        return {"predictions": [{**top[0], "top": top}]}


def announce(port: int, *packages: str) -> None:
    """Print the line with a server's address and versions."""
    versions = {"python": ".".join(map(str, sys.version_info[:3]))}
    versions |= {name: metadata.version(name) for name in (*_PACKAGES, *packages)}
    print(json.dumps({"address": f"http://127.0.0.1:{port}", "versions": versions}), flush=True)
