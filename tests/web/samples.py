"""Pictures as clients send them."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.training.samples import pictures


def images(n: int = 3) -> NDArray[np.uint8]:
    """Make pictures that no one has trained on, uint8 of shape (n, 28, 28, 1); image i is of class i."""
    return pictures(n, 9)[0]


def as_file(image: NDArray[np.uint8], kind: str = "PNG") -> bytes:
    """Write an image of shape (h, w, 1) or (h, w, 3) as a picture file."""
    file = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(file, kind)
    return file.getvalue()


def broken_model(path: Path) -> None:
    """Spoil a model file."""
    content = bytearray(path.read_bytes())
    content[-100:] = bytes(100)
    path.write_bytes(content[:-50])
