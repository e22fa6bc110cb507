"""The page of the pictures in question."""

import re

import numpy as np

from optotype.checking.findings import Finding, Findings, Picture, RescoredRun
from optotype.metrics import proportion
from optotype.reporting.doctor import MOST_FINDINGS, render_page
from tests.page import Page

HOSTILE = "<script>alert('&\"')</script>"


def _findings(n: int, label: str = "cat", channels: int = 1) -> Findings:
    image = np.arange(16 * channels, dtype=np.uint8).reshape(4, 4, channels)
    picture = Picture("test", 3, label, f"{label}/{label}.png", image)
    found = tuple(Finding("label_error", f"Labelled {label!r}.", 1.0, (picture,)) for _ in range(n))
    doubted = (RescoredRun(label, 5, proportion(3, 5), 4, proportion(3, 4)),)
    return Findings(label, "sha256:0", 10, 5, 2, 0.875, found, (f"{label} is a note.",), 1.0, doubted)


def test_names_cannot_become_markup() -> None:
    """Class and file names full of markup appear as text: no tag and no attribute comes of them."""
    harmless, hostile = (Page(render_page(_findings(2, name))).tags for name in ("cat", HOSTILE))
    assert [(tag, list(attributes)) for tag, attributes in harmless] == [
        (tag, list(attributes)) for tag, attributes in hostile
    ]
    assert "script" not in {tag for tag, _ in hostile}


def test_the_page_stands_alone() -> None:
    """Nothing is fetched: pictures are inside, in grey or colour, each with a text in its place."""
    for channels in (1, 3):
        page = render_page(_findings(2, channels=channels))
        pictures = [attributes for tag, attributes in Page(page).tags if tag == "img"]
        assert len(pictures) == 2
        for attributes in pictures:
            assert str(attributes["src"]).startswith("data:image/png;base64,")
            assert attributes["alt"] == "test image 3, labelled cat"
        assert not re.search(r"https?://|<link|<script", page)


def test_what_is_said_is_there() -> None:
    """Verdict, the net's accuracy, the opening, notes, and the sentence of each finding are on the page."""
    page = render_page(_findings(1))
    for words in ("1 likely label error", "87.5 %", "opening 2", "cat is a note.", "Labelled &#39;cat&#39;."):
        assert words in page


def test_the_worst_are_shown() -> None:
    """Of very many findings the page shows the worst and says that there are more."""
    page = render_page(_findings(MOST_FINDINGS + 1))
    assert page.count("<img") == MOST_FINDINGS
    assert "all are in check.json" in page
