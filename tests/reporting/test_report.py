"""The report of a judgement."""

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
from optotype.reporting.report import render_report
from optotype.runs.run import Run
from tests.judging.samples import complete, judged
from tests.page import Page
from tests.runs.samples import epoch, small_run

_FIGURE_TAGS = {"g", "path", "text", "use", "defs", "clippath", "rect", "image"}
HOSTILE = "<script>alert('&\"{}')</script><img src=x onerror=alert(1)>{{{{ 7 * 7 }}}}"


def _page(result: tuple[Judgement, Model], run: Run | None = None) -> str:
    return render_report(*result, run, render_card(*result))


def _run(folder: Path, epochs: int = 2) -> Run:
    run = small_run(folder)
    for number in range(1, epochs + 1):
        run.append_epoch(epoch(number))
    return run


@pytest.mark.parametrize(("classes", "is_complete"), [(2, True), (3, False), (10, True), (120, False)])
def test_any_judgement_becomes_a_well_formed_page(classes: int, is_complete: bool) -> None:
    """With few classes or many, with every part or only scores: tags match, ids are unique, no heading is skipped."""
    judgement, model = judged(classes, 2 * classes)
    page = Page(_page((complete(judgement) if is_complete else judgement, model)))
    assert page.unclosed == []
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for link in page.of("a"):
        assert link["href"] == "MODEL_CARD.md" or link["href"][1:] in ids


def test_every_image_has_an_alternative_text(tmp_path: Path) -> None:
    """Images have an alt text, figures a label; boxes that scroll have a name and can be focused by keyboard."""
    judgement, model = judged()
    page = Page(_page((complete(judgement), model), _run(tmp_path)))
    assert len(page.of("img")) > 50
    assert all(image["alt"].strip() for image in page.of("img"))
    assert len(page.of("svg")) == 2 + 4 + 5
    assert all(figure["role"] == "img" and figure["aria-label"] for figure in page.of("svg"))
    boxes = [each for each in page.of("div") if each.get("class") == "scroll"]
    assert boxes
    assert all(box["aria-label"] and box["tabindex"] == "0" for box in boxes)


def test_the_page_is_self_contained() -> None:
    """The page has no script and no address except its own parts and the model card."""
    judgement, model = judged(shape=(6, 5, 3))
    html = _page((complete(judgement), model))
    assert not re.search(r"https?:|<script|<link|@import|<iframe| on\w+=", html)
    assert all(image["src"].startswith("data:image/png;base64,") for image in Page(html).of("img"))


def test_no_text_becomes_markup() -> None:
    """Names full of markup, in any part, appear as text: they add no tag and no attribute."""
    pages = []
    for name in ("harmless{}", HOSTILE):
        judgement, model = judged(name=name)
        pages.append(Page(_page((complete(judgement, name.format(0)), model))))
    # The number of ticks on an axis depends on the length of its names.
    harmless, hostile = (
        [(tag, sorted(each)) for tag, each in page.tags if tag not in _FIGURE_TAGS] for page in pages
    )
    assert harmless == hostile
    assert HOSTILE.format(3) in pages[1].text


def test_every_part_is_on_the_page() -> None:
    """Each part of a judgement is on the page, with its number."""
    judgement, model = judged()
    text = " ".join(Page(_page((complete(judgement), model))).text.split()).replace("\N{NO-BREAK SPACE}", " ")
    for part in (
        "opening 1 of this test set",
        "Calibration error: 1.23 points (3.12 before calibration)",
        "Severe: some text is said.",
        "some text is a note.",
        "temperature of 1.250",
        "contain the true class for 97.00 %",
        "target 99.00 %",
        "It rejects 2.00 %",
        "some text majority",
        "100 images at each level",
        "Dense 5 relu",
        "portable",
        "library_name: optotype",
        "Classes without test images: class 9.",
    ):
        assert part in text, part


def test_missing_parts_are_named() -> None:
    """Without validation, calibration, baselines, diagnoses or images the page names what is missing."""
    judgement, model = judged()
    bare = replace(judgement, splits={**judgement.splits, "validation": None}, evidence=None)
    few = replace(model, provenance=model.provenance.updated(no_calibration="3 images are too few"))
    text = Page(_page((bare, few))).text
    for part in (
        "No images were set aside for validation.",
        "No diagnosis was made: it needs the run folder",
        "Calibration was not checked; the probabilities are uncalibrated: 3 images are too few",
        "Label sets and novelty detection were not checked.",
        "No baseline was judged",
        "This report has no images",
    ):
        assert part in text, part


def test_only_a_diagnosed_run_is_called_free_of_problems(tmp_path: Path) -> None:
    """With the run, no diagnosis means that no problem was found; without it, that no diagnosis was made."""
    text = Page(_page(judged(), _run(tmp_path))).text
    assert "No problem was found." in text
    assert "No problem was found" not in Page(_page(judged())).text


def test_new_images_are_called_new() -> None:
    """A judgement of other images mentions new images, and a test split only if one was opened."""
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
    assert "The new images contain the sealed test split of class data; this is its opening 1." in with_test
    assert "New images are scored, not diagnosed" in with_test
    without = Page(_page((replace(new, openings=(), test_fingerprint=""), model))).text
    assert "Openings of this test set" not in without
    assert "opening 1" not in without


def test_a_large_report_shows_a_part_and_says_so(tmp_path: Path) -> None:
    """Of 120 classes and 300 epochs the tables show a part, and give both numbers."""
    judgement, model = judged(120, 400)
    page = Page(_page((judgement, model), _run(tmp_path, 300)))
    text = " ".join(page.text.split())
    assert "200 of 300 epochs" in text
    assert "The table shows the 30 of 120 classes with the most errors" in text
    assert "Recall of 20 of 120 classes" in text
    assert sum(len(each.get("alt", "")) > 0 for each in page.of("img")) < 120


def test_the_same_judgement_gives_the_same_bytes(tmp_path: Path) -> None:
    """A report contains no random values and no time."""
    judgement, model = judged()
    run = _run(tmp_path)
    assert _page((complete(judgement), model), run) == _page((complete(judgement), model), run)


@pytest.mark.parametrize(
    ("layers", "shape", "text"),
    [
        ((Flatten(), Dense(40, "relu")), (6, 5, 1), "the 32 of its 40 units with the largest weights"),
        ((Flatten(),), (6, 5, 3), "Weights of class 3"),
        ((Conv2D(4, 3), Flatten()), (6, 5, 3), "Weights of filter 3"),
        ((Conv2D(4, 3), Flatten()), (6, 5, 1), "Orange is positive"),
        ((MaxPooling2D(2), Flatten()), (6, 5, 1), "Dense 10 softmax"),
    ],
)
def test_the_weights_of_the_first_layer_are_shown(
    layers: tuple[Dense | Conv2D | Flatten | MaxPooling2D, ...], shape: tuple[int, int, int], text: str
) -> None:
    """Units that see pixels, and filters, appear as images; after pooling there are no such weights."""
    html = _page(judged(shape=shape, recipe=Recipe(layers=layers)))
    assert text in html
    assert ("First-layer weights" in html) is not isinstance(layers[0], MaxPooling2D)


def test_text_has_enough_contrast() -> None:
    """In light and dark mode, each text colour has a contrast of at least 4.5 on each background (WCAG 2.2, 1.4.3)."""
    style = files("optotype.reporting").joinpath("templates/style.css").read_text(encoding="utf-8")
    schemes = re.findall(r":root \{ (--paper.*?) \}", style, re.DOTALL)
    assert len(schemes) == 2
    for scheme in schemes:
        colours = dict(re.findall(r"--(\w+): #(\w+);", scheme))
        for foreground in ("ink", "faint", "blue", "orange", "severe"):
            for background in ("paper", "wash"):
                assert _contrast(colours[foreground], colours[background]) >= 4.5, (foreground, background)


def _contrast(foreground: str, background: str) -> float:
    dark, light = sorted((_luminance(foreground), _luminance(background)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    digits = colour if len(colour) == 6 else "".join(2 * digit for digit in colour)
    parts = [int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
