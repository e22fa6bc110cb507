"""The page of a comparison."""

import re
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from optotype.comparing.comparison import CandidateResult, Comparison, Disagreement
from optotype.comparing.verdicts import compare_models, compare_recipes
from optotype.metrics import Estimate, proportion
from optotype.recipes.recipe import Recipe
from optotype.reporting.comparison import MAX_IMAGES, Bar, bars, render_comparison
from tests.browser import CHROMIUM, opened
from tests.page import Page

HOSTILE = "<script>alert('&\"')</script>"


def _comparison(
    name: str = "cat", *, models: int = 2, differing: int = 3, opening: int | None = None, channels: int = 1
) -> Comparison:
    """Make a comparison of models of two recipes; runs, recipes, classes and files all have one name."""
    n = max(differing, 12)
    random = np.random.default_rng(0)
    correct = {chr(ord("A") + index): random.random(n) < 0.7 for index in range(models)}
    candidates = tuple(
        CandidateResult(key, f"{name}-{key}", name, index, n, proportion(int(correct[key].sum()), n))
        for index, key in enumerate(correct)
    )
    recipes = [Recipe(name=name, layers=(), epochs=1 + index % 2, seed=index) for index in range(models)]
    disagreements = tuple(
        Disagreement(
            index,
            name,
            f"{name}/{index}.png",
            (name, *["dog"] * (models - 1)),
            (index / n,) + (0.5,) * (models - 1),
        )
        for index in range(differing)
    )
    return Comparison(
        data=name,
        on="validation" if opening is None else "test",
        n=n,
        candidates=candidates,
        pairs=compare_models(correct),
        recipes=compare_recipes(candidates, recipes)[0],
        notes=(f"{name} is a note.",),
        disagreements=disagreements,
        opening=opening,
        images=random.integers(0, 256, (n, 4, 4, channels), np.uint8),
    )


def test_names_cannot_become_markup() -> None:
    """Names of runs, recipes, classes and files full of markup appear as text: they add no tag and no attribute."""
    harmless, hostile = (
        Page(render_comparison(_comparison(name, models=4))).tags for name in ("c/at", HOSTILE)
    )
    assert [(tag, list(attributes)) for tag, attributes in harmless] == [
        (tag, list(attributes)) for tag, attributes in hostile
    ]
    assert "script" not in {tag for tag, _ in hostile}


@pytest.mark.parametrize("channels", [1, 3])
def test_the_page_is_self_contained(channels: int) -> None:
    """Nothing is fetched: images are inside, and every image and figure has an alternative text."""
    page = render_comparison(_comparison(channels=channels))
    tags = Page(page).tags
    images = [attributes for tag, attributes in tags if tag == "img"]
    assert len(images) == 3
    assert all(str(attributes["src"]).startswith("data:image/png;base64,") for attributes in images)
    assert {str(attributes["alt"]) for attributes in images} == {
        f"validation image {index}, labelled cat; A predicted cat; B predicted dog" for index in range(3)
    }
    figures = [attributes for tag, attributes in tags if tag == "svg"]
    assert len(figures) == 2
    assert all(attributes["role"] == "img" and attributes["aria-label"] for attributes in figures)
    assert not re.search(r"https?://|<link|<script", page)


def test_every_result_is_on_the_page() -> None:
    """Every verdict, note, name and accuracy is on the page, and the opening if there was one."""
    comparison = _comparison(models=3)
    page = render_comparison(comparison)
    for verdict in comparison.verdicts:
        assert f"{verdict[:1].upper()}{verdict[1:]}." in page
    for text in ("cat is a note.", "cat-A", "cat-C", f"{comparison.candidates[0].accuracy.value:.4f}"):
        assert text in page
    assert "sealed" not in page
    assert "opening 4 of this test set" in render_comparison(_comparison(opening=4))


def test_correct_and_wrong_differ_without_colour() -> None:
    """Each prediction is followed by a mark for correct or wrong, and its probability."""
    page = render_comparison(_comparison(differing=1))
    assert "A: cat ✓ 0.000" in page
    assert "B: dog ✗ 0.500" in page


def test_omitted_images_are_counted() -> None:
    """Of very many disagreements the most confident are shown, with the number of the others."""
    page = render_comparison(_comparison(differing=MAX_IMAGES + 7))
    assert page.count("<img") == MAX_IMAGES
    assert "7 more are in comparison.json" in page
    assert "<details open" in page


def test_many_pairs_stay_readable() -> None:
    """With many models verdicts are in the table, galleries are folded, and the number of images is limited."""
    comparison = _comparison(models=12, differing=200)
    page = render_comparison(comparison)
    assert page.count("<img") <= 1000
    assert "The verdicts for 66 pairs of models are in" in page
    assert comparison.pairs[0].verdict not in page
    assert "<details open" not in page


def test_few_large_images_are_shown() -> None:
    """The page has at most a few megabytes, however large the images are."""
    comparison = _comparison(differing=100)
    large = Comparison(**{**vars(comparison), "images": np.zeros((100, 256, 256, 3), np.uint8)})
    assert render_comparison(large).count("<img") == (6 << 20) // (256 * 256 * 3)


def test_agreement_is_not_an_error() -> None:
    """Models with equal predictions have an empty gallery."""
    assert "A and B: 0 images" in render_comparison(_comparison(differing=0))


def test_bars_have_a_common_scale() -> None:
    """The outermost ends are near the edges, the others in proportion; without variation all are in the middle."""
    assert bars([Estimate(0.5, 0.4, 0.6), Estimate(0.8, 0.6, 1.0)]) == [
        Bar(3.0, 18.67, 34.33),
        Bar(34.33, 65.67, 97.0),
    ]
    assert bars([Estimate(1, 1, 1)]) == [Bar(50, 50, 50)]


@pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium (on Debian: apt-get install chromium chromium-driver)"
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_telephone(tmp_path: Path, scheme: Literal["light", "dark"]) -> None:
    """At 375 pixels the page does not scroll sideways, every image loads and has an alt text, no error is logged."""
    page = tmp_path / "comparison.html"
    page.write_text(
        render_comparison(_comparison("a_name_of_one_long_word_that_nobody_would_break", models=5))
    )
    with opened(tmp_path) as browser:
        browser.show(page, width=375, scheme=scheme)
        browser.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert browser.evaluate("document.documentElement.scrollWidth") <= 375
        assert browser.evaluate("document.images.length") > 0
        assert browser.evaluate("[...document.images].every(each => each.alt && each.naturalWidth > 0)")
        assert browser.complaints == []
