"""Scores of explanations: known areas, coloured images, one data set, and the tables."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import optotype as ot
from optotype.data.splits import split_of
from reproduce.deletion import area, areas, random_orders, replacements
from reproduce.explanation_results import FILE, Areas, Explanations, Mean, Subject, explanations_section
from reproduce.explanation_sheet import overlay
from reproduce.explanations import measure
from reproduce.results import write
from tests.training.samples import dataset, recipe

_MEAN = Mean(value=0.5, low=0.4, high=0.6)


def _brightness(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return a known probability: the mean brightness."""
    return np.asarray(images.mean(axis=(1, 2, 3)) / 255, np.float64)


def test_area_of_a_known_curve_depends_on_the_order() -> None:
    """With half of the image white, the area depends on whether white pixels are removed first or last."""
    image = np.zeros((28, 28, 1), np.uint8)
    image[:14] = 255
    white_first = (image[..., 0] > 0).astype(float)
    black = np.zeros_like(image)
    assert area(_brightness, image, black, white_first) == pytest.approx(0.125, abs=1e-6)
    assert area(_brightness, image, black, -white_first) == pytest.approx(0.375, abs=1e-6)
    both = areas(_brightness, image, {"black": black, "itself": image}, white_first)
    assert both == pytest.approx(((0.125 + 0.5) / 2, (0.375 + 0.5) / 2), abs=1e-6)


def test_every_pixel_is_replaced_at_the_end() -> None:
    """The first image of a curve is the image itself, and the last one is the replacement."""
    batches: list[NDArray[np.uint8]] = []

    def record(images: NDArray[np.uint8]) -> NDArray[np.float64]:
        batches.append(images)
        return np.ones(len(images))

    rng = np.random.default_rng(0)
    image, replacement = rng.integers(0, 256, (2, 5, 3, 3), np.uint8)
    assert area(record, image, replacement, rng.random((5, 3))) == pytest.approx(1)
    np.testing.assert_array_equal(batches[0][0], image)
    np.testing.assert_array_equal(batches[0][-1], replacement)


def test_replacements_and_orders_have_the_shape_of_the_image() -> None:
    """Every replacement is an image of the same shape and dtype; every order has a number for each pixel."""
    rng = np.random.default_rng(0)
    image, other_image = rng.integers(0, 256, (2, 9, 7, 3), np.uint8)
    for replacement in replacements(image, other_image, 2).values():
        assert replacement.shape == image.shape
        assert replacement.dtype == np.uint8
    for order in random_orders(image.shape, 2, rng).values():
        assert order.shape == (9, 7)


def test_map_colours_follow_the_sign() -> None:
    """Pixels with the value 0 stay grey; positive ones are red, and negative ones blue."""
    image = np.full((1, 3, 1), 100, np.uint8)
    red, grey, blue = overlay(image, np.array([[1, 0, -1]], np.float32))[0].astype(int)
    assert red[0] > red[2] + 100
    assert len(set(grey)) == 1
    assert blue[2] > blue[0] + 100
    assert len(np.unique(overlay(image, np.zeros((1, 3), np.float32)))) == 1


def test_measurement_of_a_data_set_is_plausible(tmp_path: Path) -> None:
    """On easy images the map has better scores than random orders, and neighbours have the image's label."""
    data = dataset(600)
    models = [
        ot.train(data, recipe(3, seed=seed), out=tmp_path / str(seed), curves=False).model for seed in (0, 1)
    ]
    subject = measure("patterns", models, data, split_of(data, 50, 0), n=5)
    assert subject.n == 5
    assert subject.orders["occlusion"].deletion.value < subject.orders["random pixels"].deletion.value
    assert subject.orders["occlusion"].insertion.value > subject.orders["random pixels"].insertion.value
    assert subject.agreement["another training"].value > subject.agreement["random weights"].value
    assert subject.neighbours["features"].value > 0.95


def test_tables_have_a_column_for_each_data_set(tmp_path: Path) -> None:
    """Saved results are shown; without results the section names the command."""
    assert "reproduce.explanations" in explanations_section(tmp_path)[0]
    subjects = tuple(
        Subject(
            data=name,
            accuracy=0.9,
            n=7,
            orders={"occlusion": Areas(deletion=_MEAN, insertion=_MEAN)},
            fills={"black": Areas(deletion=_MEAN, insertion=_MEAN)},
            no_effect=0.25,
            max_drop=3.2,
            agreement={"random weights": _MEAN},
            neighbours={"features": _MEAN},
        )
        for name in ("one", "two")
    )
    write(Explanations(subjects=subjects), tmp_path / FILE)
    page = "\n".join(explanations_section(tmp_path))
    assert "| one: deletion | one: insertion | two: deletion | two: insertion |" in page
    assert "| occlusion | 0.500 (0.400 to 0.600) |" in page
    assert "| one | 0.9000 | 7 | 0.250 | 3.2 |" in page
    assert "| random weights | 0.500 (0.400 to 0.600) | 0.500 (0.400 to 0.600) |" in page
