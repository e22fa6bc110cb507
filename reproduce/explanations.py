"""`python -m reproduce.explanations`: scores of occlusion maps and of similar training images.

Writes results/explanations.json and docs/pictures/explanations.png, and renders RESULTS.md; takes about three minutes.
`--cifar FOLDER` adds CIFAR-10 as image files; without it, the saved results of CIFAR-10 are used.
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
from optotype.explaining.occlusion import log_odds, occlusion_map
from optotype.metrics.bootstrap import mean_estimate
from optotype.models.inputs import Pixels as AnyPixels
from optotype.reporting.image_sheet import Row, draw_sheet
from optotype.runs.origin import read_origin, reload_data
from optotype.storage.atomic import write_durably
from reproduce.deletion import Pixels, areas, average, random_orders, replacements
from reproduce.explanation_results import FILE, Explanations, Mean, Subject, read
from reproduce.explanation_sheet import sheet_rows
from reproduce.ours import versions
from reproduce.render import write_page
from reproduce.results import CACHE, FOLDER, ROOT, write

PICTURE: Final = ROOT / "docs" / "pictures" / "explanations.png"
CIFAR: Final = "cifar10-jpeg"
N: Final = 200
"""Images of each data set that are explained."""
_K: Final = 6
_CHUNK: Final = 500
_MIN_DROP: Final = 0.01
_TITLE: Final = (
    "Pixels that support (red) or oppose (blue) the predicted and the second class, and the nearest images"
)


def main() -> None:
    """Train, measure, draw the picture, and write the results."""
    parser = argparse.ArgumentParser(prog="python -m reproduce.explanations", description=__doc__)
    parser.add_argument("--cifar", metavar="FOLDER", help="CIFAR-10 as image files")
    arguments = parser.parse_args()
    sources = {"mnist": "mnist", "fashion-mnist": "fashion-mnist"}
    if arguments.cifar:
        sources[CIFAR] = arguments.cifar
    CACHE.mkdir(parents=True, exist_ok=True)
    subjects = {subject.data: subject for subject in read().subjects}
    rows: list[Row] = []
    for name, source in sources.items():
        models, data, split = train_twice(ot.load(source))
        subjects[name] = measure(name, models, data, split)
        print(subjects[name], flush=True)
        if name != CIFAR:  # all rows of a sheet have images of one shape
            rows += sheet_rows(models[0], data, split)
    write(Explanations(subjects=tuple(subjects.values()), versions=versions()), FOLDER / FILE)
    write_durably(PICTURE, draw_sheet(_TITLE, rows))
    write_page()


def train_twice(data: ot.Dataset) -> tuple[list[ot.Model], ot.Dataset, Split]:
    """Train mnist-quick twice, with seeds 0 and 1."""
    recipe = ot.load_recipe("mnist-quick")
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        models = [
            ot.train(data, recipe.override({"seed": seed}), out=Path(folder) / str(seed), curves=False).model
            for seed in range(2)
        ]
    return models, *reload_data(read_origin(models[0]), models[0].recipe, data)


def measure(name: str, models: list[ot.Model], data: ot.Dataset, split: Split, n: int = N) -> Subject:
    """Measure explanations of validation images.

    Args:
        name: Name of the data set.
        models: The explained model, and another training of its recipe.
        data: The data set that they were trained on.
        split: Its split into training and validation images.
        n: Number of images to explain.
    """
    model, rng = models[0], np.random.default_rng(0)
    rows = rng.permutation(split.validation)[:n]
    other_rows = rng.permutation(split.train)[: len(rows)]
    predicted = model.logits(data.images[split.validation]).argmax(axis=1)
    scores = [
        _deletion_scores(model, data.images[row], data.images[other_row], rng)
        for row, other_row in zip(rows, other_rows, strict=True)
    ]
    drops = [_max_drops(model, data.images[row]) for row in rows]
    return Subject(
        data=name,
        accuracy=round(float((predicted == data.labels[split.validation]).mean()), 4),
        n=len(rows),
        orders=average([by_order for by_order, _ in scores]),
        fills=average([by_fill for _, by_fill in scores]),
        no_effect=round(float(np.mean([probability < _MIN_DROP for _, probability in drops])), 4),
        max_drop=round(float(np.median([odds for odds, _ in drops])), 2),
        agreement=_agreement(models, data.images[rows]),
        neighbours=_neighbours(model, data, split),
    )


def _deletion_scores(
    model: ot.Model, image: Pixels, other_image: Pixels, rng: np.random.Generator
) -> tuple[dict[str, tuple[float, float]], dict[str, tuple[float, float]]]:
    """Return the areas of deletion and insertion of an image, by order, and by the content of the map's patches."""
    class_index = int(model.logits([image])[0].argmax())
    explanation = ot.occlusion(model, image)
    by_name = replacements(image, other_image, explanation.patch)

    def probability(images: AnyPixels) -> NDArray[np.float64]:
        return model.probabilities(model.logits(images))[:, class_index]

    def odds(images: AnyPixels) -> NDArray[np.float64]:
        return log_odds(model, model.logits(images), class_index)

    contrast = np.abs(image.astype(np.float64) - by_name["mean colour"]).mean(axis=2)
    orders = {
        "occlusion": explanation.attribution,
        "contrast with the mean colour": contrast,
        **random_orders(image.shape, explanation.patch, rng),
    }
    stride = max(1, explanation.patch // 2)
    maps = {
        name: occlusion_map(odds, image, fill, explanation.patch, stride) for name, fill in by_name.items()
    }
    by_order, by_fill = (
        {name: areas(probability, image, by_name, order) for name, order in group.items()}
        for group in (orders, maps)
    )
    return by_order, by_fill


def _max_drops(model: ot.Model, image: Pixels) -> tuple[float, float]:
    """Return the largest drop of the log-odds and of the probability of the predicted class under a patch."""
    explanation = ot.occlusion(model, image)
    class_index = model.class_names.index(explanation.label)

    def probability(images: AnyPixels) -> NDArray[np.float64]:
        return model.probabilities(model.logits(images))[:, class_index]

    drops = occlusion_map(
        probability,
        image,
        replacements(image, image, explanation.patch)["mean colour"],
        explanation.patch,
        max(1, explanation.patch // 2),
    )
    return float(explanation.attribution.max()), float(drops.max())


def _agreement(models: list[ot.Model], images: Pixels) -> dict[str, Mean]:
    """Correlate maps of the first model with those of other models, for the same images and classes."""
    model = models[0]
    network = Network(model.layers, model.input_shape)
    network.initialize(1)
    random = network.weights()
    last = str(len(model.layers) - 1)
    random_head = {
        name: random[name] if name.split(".")[0] == last else weight for name, weight in model.weights.items()
    }
    other_models = {
        "another training": models[1],
        "same weights, random last layer": replace(model, weights=random_head),
        "random weights": replace(model, weights=random),
    }
    maps = [ot.occlusion(model, image) for image in images]
    correlations = {}
    for name, other_model in other_models.items():
        other_maps = [
            ot.occlusion(other_model, image, explanation.label)
            for explanation, image in zip(maps, images, strict=True)
        ]
        correlations[name] = [
            spearmanr(explanation.attribution, other.attribution, axis=None).statistic
            for explanation, other in zip(maps, other_maps, strict=True)
        ]
    return {name: Mean.of(mean_estimate(np.array(values))) for name, values in correlations.items()}


def _neighbours(model: ot.Model, data: ot.Dataset, split: Split) -> dict[str, Mean]:
    """Return the share of the nearest training images with an image's own label, for three kinds of features."""
    features = model.network.logits_and_features(data.images)[1]
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    points = {
        "features at unit length": features / np.maximum(lengths, np.finfo(np.float32).tiny),
        "features": features,
        "pixels": data.images.reshape(len(data.images), -1) / np.float32(255),
    }
    return {name: Mean.of(mean_estimate(_shares(rows, data, split))) for name, rows in points.items()}


def _shares(points: NDArray[np.float32], data: ot.Dataset, split: Split) -> NDArray[np.float64]:
    train_points, shares = points[split.train], []
    squares = np.einsum("ij,ij->i", train_points, train_points)
    for start in range(0, len(split.validation), _CHUNK):
        rows = split.validation[start : start + _CHUNK]
        distances = squares - 2 * points[rows] @ train_points.T
        nearest = split.train[np.argpartition(distances, _K, axis=1)[:, :_K]]
        shares.append((data.labels[nearest] == data.labels[rows, np.newaxis]).mean(axis=1))
    return np.concatenate(shares)


if __name__ == "__main__":
    main()
