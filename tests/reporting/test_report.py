"""The report's page."""

import re
from dataclasses import replace
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest

from optotype.engine.layers import Conv2D, Dense, Flatten, MaxPooling2D
from optotype.judging.judgement import Judgement
from optotype.models.model import Model
from optotype.recipes.recipe import Recipe
from optotype.reporting.model_card import render_card
from optotype.reporting.report import render_page
from optotype.runs.run import Run
from tests.judging.samples import complete, judged
from tests.page import Page
from tests.runs.samples import epoch, small_run

_OF_FIGURES = {"g", "path", "text", "use", "defs", "clippath", "rect", "image"}
HOSTILE = "<script>alert('&\"{}')</script><img src=x onerror=alert(1)>{{{{ 7 * 7 }}}}"


def _page(judged_so: tuple[Judgement, Model], run: Run | None = None) -> str:
    return render_page(*judged_so, run, render_card(*judged_so))


def _run(folder: Path, epochs: int = 2) -> Run:
    run = small_run(folder)
    for number in range(1, epochs + 1):
        run.append_epoch(epoch(number))
    return run


@pytest.mark.parametrize(("classes", "whole"), [(2, True), (3, False), (10, True), (120, False)])
def test_any_judgement_becomes_a_well_formed_page(classes: int, whole: bool) -> None:
    """With few classes or many, with every part or only scores: tags match, ids are unique, headings step by one."""
    judgement, model = judged(classes, 2 * classes)
    page = Page(_page((complete(judgement) if whole else judgement, model)))
    assert page.unclosed == []
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for link in page.of("a"):
        assert link["href"] == "MODEL_CARD.md" or link["href"][1:] in ids


def test_every_picture_has_a_text_in_its_place(tmp_path: Path) -> None:
    """Images have an alt text; figures are images with a label; boxes that scroll have a name and take the keyboard."""
    judgement, model = judged()
    page = Page(_page((complete(judgement), model), _run(tmp_path)))
    assert len(page.of("img")) > 50
    assert all(image["alt"].strip() for image in page.of("img"))
    assert len(page.of("svg")) == 2 + 4 + 5
    assert all(figure["role"] == "img" and figure["aria-label"] for figure in page.of("svg"))
    boxes = [each for each in page.of("div") if each.get("class") == "scroll"]
    assert boxes
    assert all(box["aria-label"] and box["tabindex"] == "0" for box in boxes)


def test_the_page_stands_alone() -> None:
    """Nothing is fetched and nothing runs: no address but its own parts and the card, no script."""
    judgement, model = judged(shape=(6, 5, 3))
    html = _page((complete(judgement), model))
    assert not re.search(r"https?:|<script|<link|@import|<iframe| on\w+=", html)
    assert all(image["src"].startswith("data:image/png;base64,") for image in Page(html).of("img"))


def test_no_text_becomes_markup() -> None:
    """Names full of markup, in whatever part, appear as text: no tag and no attribute comes of them."""
    pages = []
    for name in ("harmless{}", HOSTILE):
        judgement, model = judged(name=name)
        notes = complete(judgement, name.format(0))
        pages.append(Page(_page((notes, model))))
    # How many ticks an axis has depends on how long the names beside it are.
    harmless, hostile = (
        [(tag, sorted(each)) for tag, each in page.tags if tag not in _OF_FIGURES] for page in pages
    )
    assert harmless == hostile
    assert HOSTILE.format(3) in pages[1].text


def test_every_part_is_there() -> None:
    """Each part of a judgement is said, with its number."""
    judgement, model = judged()
    text = " ".join(Page(_page((complete(judgement), model))).text.split()).replace("\N{NO-BREAK SPACE}", " ")
    for words in (
        "opening 1 of this test set",
        "off by 1.23 points on average, and by 3.12 points before calibration",
        "Beware: some text is said.",
        "some text is a note.",
        "temperature of 1.250",
        "held it for 97.00 %",
        "It rejected 2.00 %",
        "some text majority",
        "100 images at each level",
        "Dense 5 relu",
        "portable",
        "library_name: optotype",
        "Without an image among the test images: class 9.",
    ):
        assert words in text, words


def test_what_is_missing_is_said() -> None:
    """Without validation, calibration, baselines, diagnoses or images the page says so instead of failing."""
    judgement, model = judged()
    bare = replace(judgement, splits={**judgement.splits, "validation": None}, evidence=None)
    few = replace(model, provenance=model.provenance.updated(no_calibration="3 images are too few"))
    text = Page(_page((bare, few))).text
    for words in (
        "No image was set aside for validation.",
        "Nothing was diagnosed: for that it takes the run folder",
        "The probabilities were not checked, and are as the network gives them: 3 images are too few",
        "does not know was not checked.",
        "No simpler classifier was judged",
        "kept without its images",
    ):
        assert words in text, words


def test_only_a_run_that_was_diagnosed_is_called_sound(tmp_path: Path) -> None:
    """With the run at hand, no diagnosis means that nothing was found; without, that nobody looked."""
    text = Page(_page(judged(), _run(tmp_path))).text
    assert "Nothing was found to be wrong." in text
    assert "Nothing was found" not in Page(_page(judged())).text


def test_new_pictures_are_called_new() -> None:
    """A judgement on other pictures speaks of new images, and of a test split only where one was opened."""
    judgement, model = judged()
    evidence = judgement.evidence
    assert evidence is not None
    parts = ({"new": each["test"]} for each in (evidence.predictions, evidence.images, evidence.files))
    new = replace(
        judgement,
        on="new",
        splits={"new": judgement.splits["test"]},
        evidence=replace(evidence, **dict(zip(("predictions", "images", "files"), parts, strict=True))),  # type: ignore[arg-type]
    )
    with_test = " ".join(Page(_page((new, model))).text.split())
    assert "60 new images" in with_test
    assert "The sealed test split of class data is among them; this is its opening 1." in with_test
    assert "New images are scored, not diagnosed" in with_test
    without = Page(_page((replace(new, openings=(), test_fingerprint=""), model))).text
    assert "Openings of this test set" not in without
    assert "opening 1" not in without


def test_a_large_report_is_thinned_out_and_says_so(tmp_path: Path) -> None:
    """Of 120 classes and 300 epochs the tables show some, and say how many of how many."""
    judgement, model = judged(120, 400)
    page = Page(_page((judgement, model), _run(tmp_path, 300)))
    text = " ".join(page.text.split())
    assert "200 of 300 epochs" in text
    assert "Of 120 classes, the 30 that take part in most mistakes" in text
    assert "Recall of 20 of 120 classes" in text
    assert sum(len(each.get("alt", "")) > 0 for each in page.of("img")) < 120


def test_the_same_judgement_gives_the_same_bytes(tmp_path: Path) -> None:
    """Nothing random and no clock is in a report."""
    judgement, model = judged()
    run = _run(tmp_path)
    assert _page((complete(judgement), model), run) == _page((complete(judgement), model), run)


@pytest.mark.parametrize(
    ("layers", "shape", "words"),
    [
        ((Flatten(), Dense(40, "relu")), (6, 5, 1), "of its 40 units the 32 with the largest"),
        ((Flatten(),), (6, 5, 3), "Weights of class 3"),
        ((Conv2D(4, 3), Flatten()), (6, 5, 3), "Weights of filter 3"),
        ((Conv2D(4, 3), Flatten()), (6, 5, 1), "Orange is positive"),
        ((MaxPooling2D(2), Flatten()), (6, 5, 1), "Dense 10 softmax"),
    ],
)
def test_the_first_weights_are_shown(
    layers: tuple[Dense | Conv2D | Flatten | MaxPooling2D, ...], shape: tuple[int, int, int], words: str
) -> None:
    """Units that see pixels and filters appear as images; behind a pooling there is nothing to show."""
    html = _page(judged(shape=shape, recipe=Recipe(layers=layers)))
    assert words in html
    assert ("What the first layer looks for" in html) is not isinstance(layers[0], MaxPooling2D)


def test_a_judgement_shows_itself_in_a_notebook() -> None:
    """The verdict and the splits, with every name escaped."""
    judgement, _ = judged(name=HOSTILE)
    shown = complete(judgement, HOSTILE)._repr_html_()
    page = Page(shown)
    assert page.unclosed == []
    assert not page.of("script", "img")
    assert "validation" in page.text
    assert "opening 1 of this test set" in page.text


def test_text_stands_out_from_the_paper() -> None:
    """In light and dark, each colour of text has a contrast of 4.5 or more with what is behind it (WCAG 2.2, 1.4.3)."""
    style = files("optotype.reporting").joinpath("templates/style.css").read_text(encoding="utf-8")
    schemes = re.findall(r":root \{ (--paper.*?) \}", style, re.DOTALL)
    assert len(schemes) == 2
    for scheme in schemes:
        colours = dict(re.findall(r"--(\w+): #(\w+);", scheme))
        for text in ("ink", "faint", "blue", "orange", "grave"):
            for paper in ("paper", "wash"):
                assert _contrast(colours[text], colours[paper]) >= 4.5, (text, paper)


def _contrast(one: str, other: str) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    whole = colour if len(colour) == 6 else "".join(2 * digit for digit in colour)
    parts = [int(whole[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
