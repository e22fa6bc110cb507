"""Images of ten easy classes, as arrays, IDX files and picture files, for tests that train."""

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from optotype.data.dataset import Dataset, SealedTest
from optotype.engine.layers import Dense, Flatten
from optotype.engine.optimizers import Adam, Optimizer
from optotype.recipes.recipe import EarlyStopping, Recipe

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
CLASSES = tuple("0123456789")


def pictures(n: int, seed: int) -> tuple[Images, Labels]:
    """Create noisy pictures of ten fixed patterns, 28 x 28 x 1; the label of picture i is i modulo 10."""
    patterns = np.random.default_rng(0).integers(0, 2, (10, 7, 7)).repeat(4, axis=1).repeat(4, axis=2) * 160
    labels = np.arange(n) % 10
    noise = np.random.default_rng(seed).integers(0, 96, (n, 28, 28))
    return (patterns[labels] + noise).astype(np.uint8)[..., np.newaxis], labels


def dataset(n: int = 200, classes: tuple[str, ...] = CLASSES, labels: Labels | None = None) -> Dataset:
    """Create a data set in memory, optionally with other labels."""
    images, pattern_labels = pictures(n, 1)
    test = SealedTest(40, lambda: pictures(40, 2))
    return Dataset(
        "patterns", images, pattern_labels if labels is None else labels, classes, "none", "memory", test
    )


def recipe(
    epochs: int = 3,
    *,
    optimizer: Optimizer | None = None,
    validation: int = 50,
    early_stopping: EarlyStopping | None = None,
    seed: int = 0,
) -> Recipe:
    """Create a recipe for a small network."""
    return Recipe(
        name="small",
        layers=(Flatten(), Dense(32, "relu")),
        optimizer=optimizer or Adam(),
        batch_size=32,
        epochs=epochs,
        validation=validation,
        early_stopping=early_stopping,
        seed=seed,
    )


def write_folder(folder: Path, train: int = 600, test: int = 200) -> Path:
    """Write the pictures as a folder of four IDX files."""
    folder.mkdir(parents=True, exist_ok=True)
    for prefix, n, seed in (("train", train, 1), ("t10k", test, 2)):
        images, labels = pictures(n, seed)
        write_idx(folder / f"{prefix}-images-idx3-ubyte", images[..., 0])
        write_idx(folder / f"{prefix}-labels-idx1-ubyte", labels.astype(np.uint8))
    return folder


def write_idx(path: Path, array: NDArray[np.uint8]) -> None:
    """Write an IDX file of bytes."""
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes())


def write_pictures(folder: Path, images: Images, labels: Labels) -> Path:
    """Write pictures as PNG files into a folder of class folders."""
    for place, (pixels, label) in enumerate(zip(images, labels, strict=True)):
        path = folder / str(label) / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[..., 0]).save(path)
    return folder
