"""The choice of the default net for image folders: candidates on three folders, compared on validation images.

`python -m reproduce.pictures FOLDER` trains what is missing in results/pictures.json; FOLDER holds CIFAR-10's images as
image files, in train/CLASS and test/CLASS. MNIST and Fashion-MNIST are written as PNG files first, so that all
three are loaded like a user's own folder. Their test images stay sealed.
"""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Final

import numpy as np
from PIL import Image

import optotype as ot
from optotype.engine.layers import Layer
from optotype.recipes.builtin import epochs_for, load_recipe
from reproduce.machine import Machine, this_machine
from reproduce.results import CACHE, FOLDER, Frozen, write

FILE: Final = FOLDER / "pictures.json"
SEEDS: Final = range(1)
# Training images per class: typical of users' folders; for the hardest folder also fewer.
USUAL: Final = 1_200
FEW: Final = 50


class Trial(Frozen):
    """One training.

    Attributes:
        candidate: The name of the net.
        folder: The name of the data.
        images: Training images, including validation.
        seed: The seed of weights, order and dropout.
        epochs: The number of epochs.
        accuracy: Validation accuracy after the last epoch.
        seconds: Seconds of all epochs, including validation.
    """

    candidate: str
    folder: str
    images: int
    seed: int
    epochs: int
    accuracy: float
    seconds: float


class Trials(Frozen):
    """The contents of results/pictures.json."""

    machine: Machine
    trials: tuple[Trial, ...] = ()


def _block(filters: int, layers: int) -> list[Layer]:
    """Return convolutions that keep the size and pooling that halves it, with batch normalization.

    Normalization comes after pooling: there it processes a quarter of the values, and pooling can be fused with
    the convolution.
    """
    normalize = ot.BatchNormalization(momentum=0.9)
    block: list[Layer] = []
    for index in range(layers):
        block.append(ot.Conv2D(filters, 3, "relu", padding="same"))
        block += [ot.MaxPooling2D(2), normalize] if index == layers - 1 else [normalize]
    return block


def _net(blocks: list[tuple[int, int]], dropout: float = 0.5) -> ot.Recipe:
    layers = [layer for block in blocks for layer in _block(*block)]
    return ot.Recipe(
        layers=(
            *layers,
            ot.Flatten(),
            ot.Dropout(dropout),
            ot.Dense(128, "relu"),
            ot.BatchNormalization(momentum=0.9),
        ),
        optimizer=ot.Adam(0.003),
        schedule=ot.OneCycle(),
        batch_size=64,
        epochs=10,
        validation=0.1,
    )


CANDIDATES: Final = {
    "mnist-quick": load_recipe("mnist-quick").override({"validation": 0.1}),
    "16, 32, 64": _net([(16, 1), (32, 1), (64, 1)]),
    "32, 64, 128": _net([(32, 1), (64, 1), (128, 1)]),
    "32, 64, 128, 128": _net([(32, 1), (64, 1), (128, 2)]),
    "32, 32, 64, 64, 128, 128": _net([(32, 2), (64, 2), (128, 2)]),
}


def main() -> None:
    """Train every candidate without a result, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m reproduce.pictures", description=__doc__)
    parser.add_argument("folder", type=Path, help="CIFAR-10 as image files, in train/CLASS and test/CLASS")
    for data in folders(parser.parse_args().folder):
        for name, recipe in CANDIDATES.items():
            for seed in SEEDS:
                measure(name, data, recipe.override({"seed": seed, "epochs": epochs_for(len(data.labels))}))
    print(table())


def folders(cifar: Path) -> Iterator[ot.Dataset]:
    """Load a part of each folder, and a smaller part of the hardest one."""
    for name in ("mnist", "fashion-mnist"):
        folder = CACHE / "pictures" / name
        if not folder.exists():
            write_files(ot.load(name), folder)
        yield part(ot.load(folder), USUAL)
    photographs = ot.load(cifar)
    yield part(photographs, USUAL)
    yield part(photographs, FEW)


def part(data: ot.Dataset, n_per_class: int) -> ot.Dataset:
    """Return the first training images of each class."""
    classes = range(len(data.class_names))
    rows = np.concatenate([np.flatnonzero(data.labels == label)[:n_per_class] for label in classes])
    return replace(
        data,
        name=f"{len(rows):,} of {data.name}",
        images=data.images[rows],
        labels=data.labels[rows],
        files=None,
    )


def write_files(data: ot.Dataset, folder: Path) -> None:
    """Write training images as PNG files into class folders; all or none."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent))
    class_folders = [temporary / name.replace("/", " or ") for name in data.class_names]
    for class_folder in class_folders:
        class_folder.mkdir()
    for index, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
        Image.fromarray(image.squeeze(-1)).save(class_folders[label] / f"{index:05}.png")
    temporary.replace(folder)


def measure(candidate: str, data: ot.Dataset, recipe: ot.Recipe) -> None:
    """Train once, unless a result exists, and save the result."""
    known = read_trials()
    if any(
        (trial.candidate, trial.folder, trial.seed) == (candidate, data.name, recipe.seed)
        for trial in known.trials
    ):
        return
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        run = ot.train(data, recipe, out=Path(folder) / "run")
    trial = Trial(
        candidate=candidate,
        folder=data.name,
        images=len(data.labels),
        seed=recipe.seed,
        epochs=recipe.epochs,
        accuracy=round(run.epochs[-1].val_accuracy or 0.0, 4),
        seconds=round(sum(epoch.seconds for epoch in run.epochs), 1),
    )
    print(trial, flush=True)
    write(known.model_copy(update={"trials": (*known.trials, trial)}), FILE)


def read_trials() -> Trials:
    """Read the measurements."""
    return (
        Trials.model_validate_json(FILE.read_text(encoding="utf-8"))
        if FILE.exists()
        else Trials(machine=this_machine())
    )


def table() -> str:
    """Render mean accuracies and seconds: one row per candidate, one column per folder."""
    trials = read_trials().trials
    names = list(dict.fromkeys(trial.folder for trial in trials))
    rows = [f"| net | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for candidate in CANDIDATES:
        cells = []
        for name in names:
            cell_trials = [trial for trial in trials if (trial.candidate, trial.folder) == (candidate, name)]
            cells.append(_mean(cell_trials) if cell_trials else "-")
        rows.append(f"| {candidate} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _mean(trials: list[Trial]) -> str:
    return (
        f"{fmean(trial.accuracy for trial in trials):.4f}, {fmean(trial.seconds for trial in trials):.0f} s"
    )


if __name__ == "__main__":
    main()
