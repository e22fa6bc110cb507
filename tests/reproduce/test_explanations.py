"""How explanations are measured: areas that are known, maps over images, and the tables."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import optotype as ot
from optotype.data.splits import split_of
from reproduce.explained import laid_over
from reproduce.explanations import measure
from reproduce.faithful import area, areas, fills, random_orders
from reproduce.reasons import FILE, Areas, Explanations, Mean, Subject, reasons_section
from reproduce.results import write
from tests.training.samples import dataset, recipe

_MEAN = Mean(value=0.5, low=0.4, high=0.6)


def _brightness(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """A probability that is known: the share of white."""
    return np.asarray(images.mean(axis=(1, 2, 3)) / 255, np.float64)


def test_areas_are_those_of_known_curves() -> None:
    """Half an image is white: taken first it is gone at half of the way, taken last only then begins to go."""
    image = np.zeros((28, 28, 1), np.uint8)
    image[:14] = 255
    white_first = (image[..., 0] > 0).astype(float)
    black = np.zeros_like(image)
    assert area(_brightness, image, black, white_first) == pytest.approx(0.125, abs=1e-6)
    assert area(_brightness, image, black, -white_first) == pytest.approx(0.375, abs=1e-6)
    both = areas(_brightness, image, {"black": black, "itself": image}, white_first)
    assert both == pytest.approx(((0.125 + 0.5) / 2, (0.375 + 0.5) / 2), abs=1e-6)


def test_every_pixel_goes_in_the_end() -> None:
    """The first image of a curve is the image itself and the last is what takes its place, whatever the size."""
    seen: list[NDArray[np.uint8]] = []

    def look(images: NDArray[np.uint8]) -> NDArray[np.float64]:
        seen.append(images)
        return np.ones(len(images))

    rng = np.random.default_rng(0)
    image, gone = rng.integers(0, 256, (2, 5, 3, 3), np.uint8)
    assert area(look, image, gone, rng.random((5, 3))) == pytest.approx(1)
    np.testing.assert_array_equal(seen[0][0], image)
    np.testing.assert_array_equal(seen[0][-1], gone)


def test_fills_and_orders_have_the_shape_of_the_image() -> None:
    """Whatever takes the place of pixels is an image like it, and each order has a number for each pixel."""
    rng = np.random.default_rng(0)
    image, other = rng.integers(0, 256, (2, 9, 7, 3), np.uint8)
    for each in fills(image, other, 2).values():
        assert each.shape == image.shape
        assert each.dtype == np.uint8
    for order in random_orders(image.shape, 2, rng).values():
        assert order.shape == (9, 7)


def test_maps_are_red_above_zero_and_blue_below() -> None:
    """Where a map is 0 the image stays grey; above it is red, and below blue."""
    image = np.full((1, 3, 1), 100, np.uint8)
    red, grey, blue = laid_over(image, np.array([[1, 0, -1]], np.float32))[0].astype(int)
    assert red[0] > red[2] + 100
    assert len(set(grey)) == 1
    assert blue[2] > blue[0] + 100
    assert len(np.unique(laid_over(image, np.zeros((1, 3), np.float32)))) == 1


def test_a_data_set_is_measured(tmp_path: Path) -> None:
    """On easily told pictures the map takes the answer away sooner than chance, and neighbours are of the class."""
    data = dataset(600)
    models = [
        ot.train(data, recipe(3, seed=seed), out=tmp_path / str(seed), curves=False).model for seed in (0, 1)
    ]
    found = measure("patterns", models, data, split_of(data, 50, 0), n=5)
    assert found.n == 5
    assert found.orders["occlusion"].deletion.value < found.orders["random pixels"].deletion.value
    assert found.orders["occlusion"].insertion.value > found.orders["random pixels"].insertion.value
    assert found.agreement["another training"].value > found.agreement["random weights"].value
    assert found.neighbours["features"].value > 0.95


def test_the_tables_have_a_column_for_each_data_set(tmp_path: Path) -> None:
    """What was kept is shown, and before anything was measured the page says how to."""
    assert "reproduce.explanations" in reasons_section(tmp_path)[0]
    subjects = tuple(
        Subject(
            data=name,
            accuracy=0.9,
            n=7,
            orders={"occlusion": Areas(deletion=_MEAN, insertion=_MEAN)},
            fills={"black": Areas(deletion=_MEAN, insertion=_MEAN)},
            hidden=0.25,
            fall=3.2,
            agreement={"random weights": _MEAN},
            neighbours={"features": _MEAN},
        )
        for name in ("one", "two")
    )
    write(Explanations(subjects=subjects), tmp_path / FILE)
    page = "\n".join(reasons_section(tmp_path))
    assert "| one: deletion | one: insertion | two: deletion | two: insertion |" in page
    assert "| occlusion | 0.500 (0.400 to 0.600) |" in page
    assert "| one | 0.9000 | 7 | 0.250 | 3.2 |" in page
    assert "| random weights | 0.500 (0.400 to 0.600) | 0.500 (0.400 to 0.600) |" in page
