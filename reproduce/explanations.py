"""`python -m reproduce.explanations`: whether maps of occlusion and similar images say anything of the model.

Writes results/explanations.json and docs/pictures/explanations.png, and renders RESULTS.md; about three minutes.
CIFAR-10 as picture files takes part where `--cifar FOLDER` says where they are; else what was measured of it is kept.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

import optotype as ot
from optotype.data.splits import Split
from optotype.engine.network import Network
from optotype.explaining.occlusion import log_odds, slide
from optotype.metrics.bootstrap import mean_estimate
from optotype.models.inputs import Pixels as AnyPixels
from optotype.reporting.image_sheet import Row, draw_sheet
from optotype.runs.origin import read_origin, reload_data
from optotype.storage.atomic import write_durably
from reproduce.explained import rows_of
from reproduce.faithful import Pixels, areas, fills, random_orders, summarized
from reproduce.ours import versions
from reproduce.reasons import FILE, Explanations, Mean, Subject, read
from reproduce.render import write_page
from reproduce.results import CACHE, FOLDER, ROOT, write

PICTURE: Final = ROOT / "docs" / "pictures" / "explanations.png"
CIFAR: Final = "cifar10-jpeg"
N: Final = 200
"""Images of each set that are explained."""
_K: Final = 6
_AT_ONCE: Final = 500
_HIDDEN: Final = 0.01
_TITLE: Final = (
    "What speaks for the class said (red) and against it (blue), for the second class, and the six nearest"
)


def main() -> None:
    """Train, measure, draw, and write."""
    parser = argparse.ArgumentParser(prog="python -m reproduce.explanations", description=__doc__)
    parser.add_argument("--cifar", help="CIFAR-10 as picture files")
    arguments = parser.parse_args()
    sources = {"mnist": "mnist", "fashion-mnist": "fashion-mnist"}
    if arguments.cifar:
        sources[CIFAR] = arguments.cifar
    CACHE.mkdir(parents=True, exist_ok=True)
    found = {each.data: each for each in read().subjects}
    rows: list[Row] = []
    for name, source in sources.items():
        models, data, split = trained(ot.load(source))
        found[name] = measure(name, models, data, split)
        print(found[name], flush=True)
        if name != CIFAR:  # the rows of a sheet have images of one shape
            rows += rows_of(models[0], data, split)
    write(Explanations(subjects=tuple(found.values()), versions=versions()), FOLDER / FILE)
    write_durably(PICTURE, draw_sheet(_TITLE, rows))
    write_page()


def trained(data: ot.Dataset) -> tuple[list[ot.Model], ot.Dataset, Split]:
    """Train mnist-quick twice, with seeds 0 and 1."""
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        models = [
            ot.train(
                data,
                ot.load_recipe("mnist-quick").override({"seed": seed}),
                out=Path(folder) / str(seed),
                curves=False,
            ).model
            for seed in range(2)
        ]
    return models, *reload_data(read_origin(models[0]), models[0].recipe, data)


def measure(name: str, models: list[ot.Model], data: ot.Dataset, split: Split, n: int = N) -> Subject:
    """Measure explanations of validation images.

    Args:
        name: Of the data set.
        models: The one that is explained, and another training of its recipe.
        data: What they were trained on.
        split: Which images trained.
        n: How many images are explained.
    """
    model, rng = models[0], np.random.default_rng(0)
    chosen = rng.permutation(split.validation)[:n]
    others = rng.permutation(split.train)[: len(chosen)]
    told = model.logits(data.images[split.validation]).argmax(axis=1)
    each = [
        _faithful(model, data.images[index], data.images[other], rng)
        for index, other in zip(chosen, others, strict=True)
    ]
    highest = [_highest(model, data.images[index]) for index in chosen]
    return Subject(
        data=name,
        accuracy=round(float((told == data.labels[split.validation]).mean()), 4),
        n=len(chosen),
        orders=summarized([orders for orders, _ in each]),
        fills=summarized([by_fill for _, by_fill in each]),
        hidden=round(float(np.mean([probability < _HIDDEN for _, probability in highest])), 4),
        fall=round(float(np.median([odds for odds, _ in highest])), 2),
        agreement=_agreement(models, data.images[chosen]),
        neighbours=_neighbours(model, data, split),
    )


def _faithful(
    model: ot.Model, image: Pixels, other: Pixels, rng: np.random.Generator
) -> tuple[dict[str, tuple[float, float]], dict[str, tuple[float, float]]]:
    """Give the areas of deletion and insertion of an image, by order, and by what the patches of the map show."""
    place = int(model.logits([image])[0].argmax())
    found = ot.occlusion(model, image)
    ways = fills(image, other, found.patch)

    def probability(images: AnyPixels) -> NDArray[np.float64]:
        return model.probabilities(model.logits(images))[:, place]

    def odds(images: AnyPixels) -> NDArray[np.float64]:
        return log_odds(model, model.logits(images), place)

    contrast = np.abs(image.astype(np.float64) - ways["the mean colour"]).mean(axis=2)
    orders = {
        "occlusion": found.drops,
        "contrast to the mean colour": contrast,
        **random_orders(image.shape, found.patch, rng),
    }
    stride = max(1, found.patch // 2)
    maps = {fill: slide(odds, image, shown, found.patch, stride) for fill, shown in ways.items()}
    by_order, by_fill = (
        {name: areas(probability, image, ways, order) for name, order in each.items()}
        for each in (orders, maps)
    )
    return by_order, by_fill


def _highest(model: ot.Model, image: Pixels) -> tuple[float, float]:
    """Give how far a patch takes down the log-odds and the probability of the class said, at most."""
    found = ot.occlusion(model, image)
    place = model.class_names.index(found.label)

    def probability(images: AnyPixels) -> NDArray[np.float64]:
        return model.probabilities(model.logits(images))[:, place]

    falls = slide(
        probability,
        image,
        fills(image, image, found.patch)["the mean colour"],
        found.patch,
        max(1, found.patch // 2),
    )
    return float(found.drops.max()), float(falls.max())


def _agreement(models: list[ot.Model], images: Pixels) -> dict[str, Mean]:
    """Correlate maps of the first model with those of others, of the same images and classes."""
    model = models[0]
    network = Network(model.layers, model.input_shape)
    network.initialize(1)
    random = network.weights()
    last = str(len(model.layers) - 1)
    head = {
        name: random[name] if name.split(".")[0] == last else weight for name, weight in model.weights.items()
    }
    others = {
        "another training": models[1],
        "the same weights but for a random last layer": replace(model, weights=head),
        "random weights": replace(model, weights=random),
    }
    maps = [ot.occlusion(model, image) for image in images]
    return {
        name: Mean.of(
            mean_estimate(
                np.array(
                    [
                        spearmanr(own.drops, ot.occlusion(other, image, own.label).drops, axis=None).statistic
                        for own, image in zip(maps, images, strict=True)
                    ]
                )
            )
        )
        for name, other in others.items()
    }


def _neighbours(model: ot.Model, data: ot.Dataset, split: Split) -> dict[str, Mean]:
    """Give the share of the nearest training images with an image's own label, for ways to compare images."""
    features = model.network.logits_and_features(data.images)[1]
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    points = {
        "features at unit length": features / np.maximum(lengths, np.finfo(np.float32).tiny),
        "features": features,
        "pixels": data.images.reshape(len(data.images), -1) / np.float32(255),
    }
    return {name: Mean.of(mean_estimate(_shares(each, data, split))) for name, each in points.items()}


def _shares(points: NDArray[np.float32], data: ot.Dataset, split: Split) -> NDArray[np.float64]:
    known, shares = points[split.train], []
    squares = np.einsum("ij,ij->i", known, known)
    for start in range(0, len(split.validation), _AT_ONCE):
        asked = split.validation[start : start + _AT_ONCE]
        far = squares - 2 * points[asked] @ known.T
        near = split.train[np.argpartition(far, _K, axis=1)[:, :_K]]
        shares.append((data.labels[near] == data.labels[asked, np.newaxis]).mean(axis=1))
    return np.concatenate(shares)


if __name__ == "__main__":
    main()
