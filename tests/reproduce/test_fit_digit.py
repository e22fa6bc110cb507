"""The measured accuracy gain of --fit-digit."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

import optotype as ot
from reproduce.fit_digit import FILE, Result, photograph, table

_DOCS = Path(__file__).parents[2] / "docs" / "predicting.md"


def test_guide_has_the_measured_table() -> None:
    """The table in docs/predicting.md equals that of results/fit_digit.json."""
    result = Result.model_validate_json(FILE.read_bytes())
    assert table(result) in _DOCS.read_text(encoding="utf-8")


def test_fit_digit_restores_a_simulated_photograph() -> None:
    """A simulated photograph has 200 x 150 pixels and a small dark digit, which fit_digit restores."""
    rng = np.random.default_rng(0)
    for digit in ot.load("mnist").images[:5, ..., 0]:
        content = photograph(digit, rng)
        with Image.open(io.BytesIO(content)) as picture:
            grey = np.asarray(picture.convert("L"))
        assert grey.shape == (150, 200)
        assert (grey < 128).mean() < 0.2
        assert np.abs(ot.fit_digit(content).astype(float) - digit).mean() < 20
