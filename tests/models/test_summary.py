"""A model's summary as lines of text."""

from dataclasses import replace

from optotype.models.model import Model
from optotype.models.provenance import Provenance
from tests.models.samples import CLASSES, SHAPE, complete_model, small_model
from tests.models.test_provenance import DATA


def test_complete_model() -> None:
    """A table lists layers and totals; lines below it list images, classes, uncertainty and provenance."""
    provenance = Provenance(run="r-1", data=DATA, epoch=3, created="2026-01-02")
    model = replace(complete_model(), provenance=provenance)
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
        "images:        4 x 3 x 1, pixels scaled to 0 .. 1",
        "classes:       3: zero, one, a [bold] ζ",
        f"calibration:   temperature {model.calibration.temperature:.3f}, fitted on 60 images",
        (
            f"novelty:       detected above distance {model.novelty.threshold:.3f},"
            " which 0.0% of calibration images exceed"
        ),
        "golden images: 32",
        "provenance:    run r-1, data digits, epoch 3, started 2026-01-02",
    ]


def test_missing_parts() -> None:
    """A missing part is "none" with its reason, if the provenance has one; an imported model names its file."""
    model = replace(small_model(), provenance=Provenance(no_calibration="49 images are too few"))
    lines = model.summary().splitlines()
    assert lines[-4:] == [
        "calibration:   none: 49 images are too few",
        "novelty:       none",
        "golden images: none",
        "provenance:    unknown",
    ]
    imported = replace(small_model(), provenance=Provenance(imported_from="net.keras")).summary()
    assert imported.endswith("provenance:    imported from net.keras")


def test_control_characters() -> None:
    """Names with control characters or great length change neither the number nor the length of lines."""
    model = small_model()
    provenance = Provenance(run="\x1b[2J\n" + 300 * "x")
    text = Model(model.recipe, SHAPE, ("a", "b\u202e", "c" * 900), model.weights, provenance).summary()
    assert all(line.isprintable() and len(line) <= 100 for line in text.splitlines())
    assert len(text.splitlines()) == len(small_model().summary().splitlines())
    assert CLASSES[0] in small_model().summary()
