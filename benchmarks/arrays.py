"""The images and weights of the benchmark, as files that every library can read."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import optotype as ot
from benchmarks.results import CACHE
from optotype.data.splits import stratified_split
from optotype.engine.network import Network


def mnist(recipe: ot.Recipe) -> Path:
    """Write MNIST's training images; the test images stay sealed.

    Args:
        recipe: The recipe whose validation images are held out.

    Returns:
        An NPZ of train_images, train_labels, held_images, held_labels.
    """
    data = ot.load("mnist")
    split = stratified_split(data.labels, recipe.validation, recipe.split_seed)
    return _write(f"mnist-{split.fingerprint[7:19]}", data.images, data.labels, split.train, split.validation)


def coloured(n: int, shape: tuple[int, int, int], classes: int = 10) -> Path:
    """Write random images that are separable: each class has more of one channel.

    Args:
        n: The number of images.
        shape: (height, width, channels).
        classes: At most the number of channels.
    """
    rng = np.random.default_rng(0)
    labels = np.arange(n) % classes
    images = rng.integers(0, 160, (n, *shape), np.uint8)
    images[np.arange(n), :, :, labels] += 90
    none = np.empty(0, np.int64)
    return _write(f"coloured-{n}", images, labels, np.arange(n), none)


def repeated_mnist(n: int) -> Path:
    """Write MNIST's training images repeatedly, as one plain file of n images."""
    file = CACHE / f"repeated-{n}.bin"
    if file.exists() and file.stat().st_size == n * 784:
        return file
    images = np.ascontiguousarray(ot.load("mnist").images)
    CACHE.mkdir(parents=True, exist_ok=True)
    written = file.with_name(f".{file.name}")
    with written.open("wb") as out:
        for start in range(0, n, len(images)):
            out.write(images[: n - start].tobytes())
    written.replace(file)
    return file


def first_weights(recipe: ot.Recipe) -> Path:
    """Write a recipe's initial weights for MNIST, so that all libraries predict with the same weights.

    Returns:
        An NPZ of "0.kernel", "0.bias", ..., in Keras's layouts.
    """
    network = Network(recipe.network_layers(10), (28, 28, 1), scale=recipe.scale)
    network.initialize(recipe.seed)
    CACHE.mkdir(parents=True, exist_ok=True)
    file = CACHE / f"{recipe.name}-weights.npz"
    np.savez(file, **network.weights())  # type: ignore[arg-type] # numpy's own argument is a bool, ours are arrays
    return file


def _write(
    name: str,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    train: NDArray[np.int64],
    held_out: NDArray[np.int64],
) -> Path:
    file = CACHE / f"{name}.npz"
    if not file.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        written = file.with_name(f".{file.name}")
        np.savez(
            written,
            train_images=images[train],
            train_labels=labels[train],
            held_images=images[held_out],
            held_labels=labels[held_out],
        )
        written.replace(file)
    return file
