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
from optotype.reporting.comparison import MOST_IMAGES, Bar, bars, render_comparison
from tests.browser import CHROMIUM, opened
from tests.page import Page

HOSTILE = "<script>alert('&\"')</script>"


def _comparison(
    name: str = "cat", *, models: int = 2, differing: int = 3, opening: int | None = None, channels: int = 1
) -> Comparison:
    """Make a comparison of models of two recipes whose names, classes and files are all called alike."""
    n = max(differing, 12)
    random = np.random.default_rng(0)
    right = {chr(ord("A") + place): random.random(n) < 0.7 for place in range(models)}
    candidates = tuple(
        CandidateResult(key, f"{name}-{key}", name, place, n, proportion(int(right[key].sum()), n))
        for place, key in enumerate(right)
    )
    recipes = [Recipe(name=name, layers=(), epochs=1 + place % 2, seed=place) for place in range(models)]
    disagreements = tuple(
        Disagreement(
            place,
            name,
            f"{name}/{place}.png",
            (name, *["dog"] * (models - 1)),
            (place / n,) + (0.5,) * (models - 1),
        )
        for place in range(differing)
    )
    return Comparison(
        data=name,
        on="validation" if opening is None else "test",
        n=n,
        candidates=candidates,
        pairs=compare_models(right),
        recipes=compare_recipes(candidates, recipes)[0],
        notes=(f"{name} is a note.",),
        disagreements=disagreements,
        opening=opening,
        images=random.integers(0, 256, (n, 4, 4, channels), np.uint8),
    )


def test_names_cannot_become_markup() -> None:
    """Names of runs, recipes, classes and files full of markup appear as text: no tag or attribute comes of them."""
    harmless, hostile = (
        Page(render_comparison(_comparison(name, models=4))).tags for name in ("cat", HOSTILE)
    )
    assert [(tag, list(attributes)) for tag, attributes in harmless] == [
        (tag, list(attributes)) for tag, attributes in hostile
    ]
    assert "script" not in {tag for tag, _ in hostile}


@pytest.mark.parametrize("channels", [1, 3])
def test_the_page_stands_alone(channels: int) -> None:
    """Nothing is fetched: images are inside, and every image and figure has a text in its place."""
    page = render_comparison(_comparison(channels=channels))
    tags = Page(page).tags
    images = [attributes for tag, attributes in tags if tag == "img"]
    assert len(images) == 3
    assert all(str(attributes["src"]).startswith("data:image/png;base64,") for attributes in images)
    assert {str(attributes["alt"]) for attributes in images} == {
        f"validation image {place}, labelled cat; A takes it for cat; B takes it for dog"
        for place in range(3)
    }
    figures = [attributes for tag, attributes in tags if tag == "svg"]
    assert len(figures) == 2
    assert all(attributes["role"] == "img" and attributes["aria-label"] for attributes in figures)
    assert not re.search(r"https?://|<link|<script", page)


def test_what_was_found_is_there() -> None:
    """Every verdict, note, name and accuracy is on the page, and the opening where there was one."""
    found = _comparison(models=3)
    page = render_comparison(found)
    for verdict in found.verdicts:
        assert f"{verdict[:1].upper()}{verdict[1:]}." in page
    for words in ("cat is a note.", "cat-A", "cat-C", f"{found.candidates[0].accuracy.value:.4f}"):
        assert words in page
    assert "sealed" not in page
    assert "opening 4 of this test set" in render_comparison(_comparison(opening=4))


def test_right_and_wrong_are_told_without_colour() -> None:
    """What each model says is followed by a mark for right or wrong, and its probability."""
    page = render_comparison(_comparison(differing=1))
    assert "A: cat ✓ 0.000" in page
    assert "B: dog ✗ 0.500" in page


def test_the_number_left_out_is_said() -> None:
    """Of very many disagreements the surest are shown, and how many more there are."""
    page = render_comparison(_comparison(differing=MOST_IMAGES + 7))
    assert page.count("<img") == MOST_IMAGES
    assert "7 more are in comparison.json" in page
    assert "<details open" in page


def test_many_pairs_stay_legible() -> None:
    """With many models verdicts stand in the table, galleries are closed, and there are not many images in all."""
    found = _comparison(models=12, differing=200)
    page = render_comparison(found)
    assert page.count("<img") <= 1000
    assert "The verdicts about 66 pairs of models stand in" in page
    assert found.pairs[0].verdict not in page
    assert "<details open" not in page


def test_large_images_are_shown_sparingly() -> None:
    """The page stays within some megabytes, however large the images are."""
    found = _comparison(differing=100)
    large = Comparison(**{**vars(found), "images": np.zeros((100, 256, 256, 3), np.uint8)})
    assert render_comparison(large).count("<img") == (6 << 20) // (256 * 256 * 3)


def test_agreement_is_no_error() -> None:
    """Models that take every image for the same leave an empty gallery."""
    assert "A and B: 0 images" in render_comparison(_comparison(differing=0))


def test_bars_share_one_scale() -> None:
    """The outermost ends lie near the edges, the rest in proportion; where nothing varies all lie in the middle."""
    assert bars([Estimate(0.5, 0.4, 0.6), Estimate(0.8, 0.6, 1.0)]) == [
        Bar(3.0, 18.67, 34.33),
        Bar(34.33, 65.67, 97.0),
    ]
    assert bars([Estimate(1, 1, 1)]) == [Bar(50, 50, 50)]


@pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium (on Debian and Ubuntu: apt-get install chromium)"
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_at_home_in_a_browser(tmp_path: Path, scheme: Literal["light", "dark"]) -> None:
    """At 375 pixels nothing makes the page scroll sideways, every image is there and has a text, nothing complains."""
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
