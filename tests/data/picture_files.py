"""Folders of small image files, written by the tests."""

import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("cat", "dog")


def picture(seed: int = 0, size: tuple[int, int] = (12, 10), mode: str = "RGB", form: str = "PNG") -> bytes:
    """Return an image file of noise; size is (width, height) as in Pillow."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, form)
    return buffer.getvalue()


def names(n_per_class: int, classes: Iterable[str] = CLASSES, below: str = "") -> list[str]:
    """Return file names for some images of each class."""
    return [f"{below}{name}/{number}.png" for name in classes for number in range(n_per_class)]


def write(root: Path, files: Iterable[str], size: tuple[int, int] = (12, 10), mode: str = "RGB") -> Path:
    """Write a different image under each name."""
    for seed, file in enumerate(files):
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(seed, size, mode))
    return root
