"""Images as PNG files and as data URIs, with which a page needs no other file."""

import base64
import io

import numpy as np
from numpy.typing import NDArray


def png(image: NDArray[np.uint8]) -> bytes:
    """Encode an image as a PNG file.

    Args:
        image: uint8 of shape (height, width, channels), with 1 or 3 channels.
    """
    from PIL import Image  # noqa: PLC0415 - loaded only to encode an image

    file = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else np.ascontiguousarray(image)).save(file, "PNG")
    return file.getvalue()


def png_uri(image: NDArray[np.uint8]) -> str:
    """Encode an image as a data URI, for the `src` of an HTML `img`.

    Args:
        image: uint8 of shape (height, width, channels), with 1 or 3 channels.

    Returns:
        "data:image/png;base64," and the PNG file in Base64.
    """
    return f"data:image/png;base64,{base64.b64encode(png(image)).decode('ascii')}"
