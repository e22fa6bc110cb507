"""Transfer learning from the digits 0-4 to the digits 5-9: `python -m reproduce.transfer`, about two minutes.

Each seed chooses other images to learn from, other weights and another order. Everything is from MNIST's training
images, some for training and others for measuring the accuracy; its test images stay sealed. Writes
results/transfer.json, and prints the table in docs/transfer.md.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Final

import numpy as np
from numpy.typing import NDArray

import optotype as ot
from optotype.data.dataset import SealedTest
from reproduce.machine import Machine, this_machine
from reproduce.results import FOLDER, Frozen, write

FILE: Final = FOLDER / "transfer.json"
SEEDS: Final = range(10)
COUNTS: Final = (50, 200, 1000)
"""Numbers of training images of the digits 5-9."""
UNSEEN: Final = 5000
"""The number of held-out images that measure the accuracy."""


class Way(Frozen):
    """The accuracies of one way to start, with a number of training images.

    Attributes:
        way: Its name.
        images: The number of training images of the digits 5-9.
        accuracies: Accuracies on held-out images, one per seed.
    """

    way: str
    images: int
    accuracies: tuple[float, ...]


class Transfer(Frozen):
    """The contents of results/transfer.json."""

    machine: Machine
    ways: tuple[Way, ...]


def main() -> None:
    """Train every way with every seed, save the result, and print it."""
    with tempfile.TemporaryDirectory() as folder:
        ways = tuple(_measured(Path(folder)))
    write(Transfer(machine=this_machine(), ways=ways), FILE)
    print(table(ways))


def table(ways: tuple[Way, ...]) -> str:
    """Render a table: one row per way, the mean and range of its accuracies per number of images."""
    rows = [
        f"| {' | '.join(['begins', *(f'{n:,} images' for n in COUNTS)])} |",
        f"|---|{'---|' * len(COUNTS)}",
    ]
    for name in dict.fromkeys(way.way for way in ways):
        cells = [_cell(way.accuracies) for n in COUNTS for way in ways if (way.way, way.images) == (name, n)]
        rows.append(f"| {' | '.join([name, *cells])} |")
    return "\n".join(rows)


def _cell(accuracies: tuple[float, ...]) -> str:
    return f"{fmean(accuracies):.3f} ({min(accuracies):.3f} to {max(accuracies):.3f})"


def _measured(folder: Path) -> Iterator[Way]:
    plain = ot.load_recipe("mnist-quick").override({"validation": 0})
    start = ot.train(_digits(range(5), 25_000, 0)[0], plain, out=folder / "start", curves=False).model
    last = ot.Dense(128, "relu")
    ways: dict[str, ot.Recipe | ot.TransferRecipe] = {
        "from nothing": plain,
        "from all layers, trained on": start.transfer(freeze=False),
        "from all layers, frozen": start.transfer(),
        "from all but the last, trained on": start.transfer([last], keep=-1, freeze=False),
        "from all but the last, frozen": start.transfer([last], keep=-1),
    }
    for images in COUNTS:
        for name, way in ways.items():
            accuracies = []
            for seed in SEEDS:
                data, unseen = _digits(range(5, 10), images, seed)
                chosen = way.override({"seed": seed, "epochs": 30})
                run = ot.train(data, chosen, out=folder / f"{images}-{name}-{seed}", curves=False)
                accuracies.append(_accuracy(run.model, *unseen))
            yield Way(way=name, images=images, accuracies=tuple(accuracies))
            print(f"{images} {name}: {_cell(tuple(accuracies))}", flush=True)


def _digits(
    chosen: range, n: int, seed: int
) -> tuple[ot.Dataset, tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """Return training images of some digits, and held-out ones."""
    mnist = ot.load("mnist")
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(np.isin(mnist.labels, chosen)))
    learned, unseen = rows[:n], rows[n : n + UNSEEN]
    images, labels = mnist.images, mnist.labels - chosen.start
    nothing = images[:0], labels[:0]
    data = ot.Dataset(
        name=f"{n:,} of {chosen.start} to {chosen.stop - 1}",
        images=images[learned],
        labels=labels[learned],
        class_names=tuple(map(str, chosen)),
        licence=mnist.licence,
        source="arrays",
        test=SealedTest(0, lambda: nothing),
    )
    return data, (images[unseen], labels[unseen])


def _accuracy(model: ot.Model, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> float:
    return round(float((model.logits(images).argmax(axis=1) == labels).mean()), 4)


if __name__ == "__main__":
    main()
