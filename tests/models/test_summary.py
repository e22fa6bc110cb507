"""A model in lines of text."""

from dataclasses import replace

from pydantic import JsonValue

from optotype.models.model import Model
from tests.models.samples import CLASSES, SHAPE, small_model, whole_model

PROVENANCE: dict[str, JsonValue] = {
    "run": "r-1",
    "data": {"name": "digits"},
    "epoch": 3,
    "created": "2026-01-02",
}


def test_the_whole() -> None:
    """Layers and totals make a table; beneath it stand images, classes, doubts, golden images and the origin."""
    model = replace(whole_model(), provenance=PROVENANCE)
    assert model.calibration is not None
    assert model.novelty is not None
    lines = model.summary().splitlines()
    assert lines[:8] == [
        "layer               output shape  parameters",
        "--------------------------------------------",
        "Flatten                       12           0",
        "BatchNormalization            12          48",
        "Dense 5 relu                   5          65",
        "Dense 3 softmax                3          18",
        "--------------------------------------------",
        "total                                    131 (107 trainable)",
    ]
    assert lines[8:] == [
        "",
        "recipe:        custom",
        "images:        4 x 3 x 1, fed as 0 .. 1",
        "classes:       3: zero, one, a [bold] ζ",
        f"calibration:   temperature {model.calibration.temperature:.3f}, from 60 images",
        "unlike images: told from the training's; 0.0% of the calibration's are rejected too",
        "golden images: 32",
        "from:          run r-1, on digits, epoch 3, 2026-01-02",
    ]


def test_what_is_not_there() -> None:
    """A part that is missing is "none", with the reason where one is known; an imported model names its file."""
    model = replace(small_model(), provenance={"no_calibration": "49 images are too few"})
    lines = model.summary().splitlines()
    assert lines[-4:] == [
        "calibration:   none: 49 images are too few",
        "unlike images: none",
        "golden images: none",
        "from:          not said",
    ]
    imported = replace(small_model(), provenance={"imported_from": "net.keras"}).summary()
    assert imported.endswith("from:          the file net.keras")


def test_hostile_names_are_harmless() -> None:
    """Names out of a file move no cursor, break no line, and are cut where they are long."""
    model = small_model()
    told: dict[str, JsonValue] = {
        "run": "\x1b[2J\n" + 300 * "x",
        "data": {"name": ["no", "name"]},
        "epoch": {"no": "number"},
    }
    text = Model(model.recipe, SHAPE, ("a", "b\u202e", "c" * 900), model.weights, told).summary()
    assert all(line.isprintable() and len(line) <= 100 for line in text.splitlines())
    assert len(text.splitlines()) == len(small_model().summary().splitlines())
    assert CLASSES[0] in small_model().summary()
