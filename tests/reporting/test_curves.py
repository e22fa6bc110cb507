"""Learning curves: valid images for any training."""

import io

import pytest
from PIL import Image

from optotype.reporting.curves import draw, inline_curve
from optotype.runs.epoch import Epoch


def _epochs(n: int, *, has_validation: bool = True) -> list[Epoch]:
    return [
        Epoch(
            i,
            1 / i,
            1 - 0.5 / i,
            1.2 / i if has_validation else None,
            0.5 if has_validation else None,
            1e-3,
            1.0,
            10,
        )
        for i in range(1, n + 1)
    ]


@pytest.mark.parametrize("n", [1, 2, 7, 200])
@pytest.mark.parametrize("has_validation", [True, False])
def test_any_number_of_epochs_is_drawn(n: int, has_validation: bool) -> None:
    """One epoch or many, with validation or without: a PNG of 1280 by 800 pixels that is not blank."""
    for quantity in ("loss", "accuracy"):
        content = draw(_epochs(n, has_validation=has_validation), quantity, "net on data", best=n)
        image = Image.open(io.BytesIO(content))
        assert (image.format, image.size) == ("PNG", (1280, 800))
        colours = image.convert("RGB").getcolors(1 << 20)
        assert colours is not None
        assert (0, 114, 178) in {colour for _, colour in colours}


def test_the_validation_curve_has_its_own_colour() -> None:
    """Orange is in the image exactly when there is validation."""
    for has_validation in (True, False):
        content = draw(_epochs(5, has_validation=has_validation), "loss", "title")
        colours = Image.open(io.BytesIO(content)).convert("RGB").getcolors(1 << 20)
        assert ((213, 94, 0) in {colour for _, colour in colours or []}) is has_validation


@pytest.mark.parametrize("title", ["$\\frac{", "a [b] & <c>", "手写数字", ""])
def test_any_title_is_drawn(title: str) -> None:
    """A title is text, never mathematics; a script that the font lacks causes no error and no warning."""
    assert draw(_epochs(3), "accuracy", title).startswith(b"\x89PNG")


@pytest.mark.parametrize("has_validation", [True, False])
def test_the_alt_text_of_a_curve_has_its_ends(has_validation: bool) -> None:
    """The alternative text has the first and the last value of each line."""
    svg = inline_curve(_epochs(4, has_validation=has_validation), "loss", "loss", best=2)
    alt = "Loss over 4 epochs, training from 1.0000 to 0.2500"
    assert f'aria-label="{alt}{", validation from 1.2000 to 0.3000" if has_validation else ""}"' in svg
    assert ">best epoch (2)<" in svg
