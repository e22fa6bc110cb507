"""The page of a data check."""

import re

import numpy as np

from optotype.checking.findings import KINDS, Finding, Findings, Picture, RescoredRun
from optotype.metrics import proportion
from optotype.reporting.doctor import MAX_FINDINGS, render_findings
from tests.page import Page

HOSTILE = "<script>alert('&\"')</script>"


def _findings(n: int, label: str = "cat", channels: int = 1) -> Findings:
    image = np.arange(16 * channels, dtype=np.uint8).reshape(4, 4, channels)
    picture = Picture("test", 3, label, f"{label}/{label}.png", image)
    matches = tuple(Finding("label_error", f"Labelled {label!r}.", 1.0, (picture,)) for _ in range(n))
    rescored = (RescoredRun(label, 5, proportion(3, 5), 4, proportion(3, 4)),)
    return Findings(label, "sha256:0", 10, 5, 2, 0.875, matches, (f"{label} is a note.",), 1.0, rescored)


def test_names_cannot_become_markup() -> None:
    """Class and file names full of markup appear as text: they add no tag and no attribute."""
    harmless, hostile = (Page(render_findings(_findings(2, name), KINDS)).tags for name in ("c/at", HOSTILE))
    assert [(tag, list(attributes)) for tag, attributes in harmless] == [
        (tag, list(attributes)) for tag, attributes in hostile
    ]
    assert "script" not in {tag for tag, _ in hostile}


def test_the_page_is_self_contained() -> None:
    """Nothing is fetched: images are inside, grey or in colour, each with an alternative text."""
    for channels in (1, 3):
        page = render_findings(_findings(2, channels=channels), KINDS)
        pictures = [attributes for tag, attributes in Page(page).tags if tag == "img"]
        assert len(pictures) == 2
        for attributes in pictures:
            assert str(attributes["src"]).startswith("data:image/png;base64,")
            assert attributes["alt"] == "test image 3, labelled cat"
        assert not re.search(r"https?://|<link|<script", page)


def test_every_fact_is_on_the_page() -> None:
    """Verdict, accuracy of the probe network, opening, notes, rescored runs and all messages are shown."""
    page = render_findings(_findings(1), KINDS)
    for text in (
        "1 likely label error",
        "87.5&nbsp;%",
        "opening 2",
        "cat is a note.",
        "Labelled &#39;cat&#39;.",
        "n = 5",
        "n = 4",
    ):
        assert text in page


def test_the_worst_findings_are_shown() -> None:
    """Of very many findings the page shows the worst and names the file with all."""
    page = render_findings(_findings(MAX_FINDINGS + 1), KINDS)
    assert page.count("<img") == MAX_FINDINGS
    assert "check.json contains all" in page
