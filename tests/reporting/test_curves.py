"""The curves: pictures that can be read back, whatever was trained."""

import io

import pytest
from PIL import Image

from optotype.reporting.curves import draw, inline_curve
from optotype.runs.epoch import Epoch


def _epochs(n: int, *, validated: bool = True) -> list[Epoch]:
    numbers = range(1, n + 1)
    return [
        Epoch(
            i, 1 / i, 1 - 0.5 / i, 1.2 / i if validated else None, 0.5 if validated else None, 1e-3, 1.0, 10
        )
        for i in numbers
    ]


@pytest.mark.parametrize("n", [1, 2, 7, 200])
@pytest.mark.parametrize("validated", [True, False])
def test_any_number_of_epochs_is_drawn(n: int, validated: bool) -> None:
    """One epoch or many, with validation or without: a PNG of 1280 by 800 pixels that is not blank."""
    for quantity in ("loss", "accuracy"):
        picture = Image.open(
            io.BytesIO(draw(_epochs(n, validated=validated), quantity, "net on data", best=n))
        )
        assert (picture.format, picture.size) == ("PNG", (1280, 800))
        colours = picture.convert("RGB").getcolors(1 << 20)
        assert colours is not None
        assert (0, 114, 178) in {colour for _, colour in colours}


def test_the_validation_curve_has_a_colour_of_its_own() -> None:
    """Vermilion is in the picture exactly when there is validation."""
    for validated in (True, False):
        picture = Image.open(io.BytesIO(draw(_epochs(5, validated=validated), "loss", "title")))
        colours = picture.convert("RGB").getcolors(1 << 20)
        assert ((213, 94, 0) in {colour for _, colour in colours or []}) is validated


@pytest.mark.parametrize("title", ["$\\frac{", "a [b] & <c>", "手写数字", ""])
def test_any_title_is_drawn(title: str) -> None:
    """A name is text, never mathematics, and a script the font lacks is no error and no warning."""
    assert draw(_epochs(3), "accuracy", title).startswith(b"\x89PNG")


@pytest.mark.parametrize("validated", [True, False])
def test_a_curve_in_a_page_says_where_it_leads(validated: bool) -> None:
    """The text in place of the figure has the first and the last value of each line."""
    svg = inline_curve(_epochs(4, validated=validated), "loss", "loss", best=2)
    told = "Loss over 4 epochs, training from 1.0000 to 0.2500"
    assert f'aria-label="{told}{", validation from 1.2000 to 0.3000" if validated else ""}"' in svg
    assert ">best epoch (2)<" in svg
