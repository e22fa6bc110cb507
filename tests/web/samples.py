"""Images and image files for requests."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.training.samples import pictures


def images(n: int = 3) -> NDArray[np.uint8]:
    """Return images that are not in the training data, uint8 of shape (n, 28, 28, 1); image i is of class i."""
    return pictures(n, 9)[0]


def encode_image(image: NDArray[np.uint8], kind: str = "PNG") -> bytes:
    """Encode an image of shape (h, w, 1) or (h, w, 3) as an image file."""
    file = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(file, kind)
    return file.getvalue()
