"""The report in a real browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from optotype.reporting import write_report
from tests.browser import CHROMIUM, Browser, opened
from tests.judging.samples import complete, judged
from tests.runs.samples import epoch, small_run

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium (on Debian and Ubuntu: apt-get install chromium)"
)
LONG = "a_class_whose_name_is_one_long_word_that_nobody_would_break_{}"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Keep one browser for all pages."""
    with opened(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("classes", "name"), [(10, "{}"), (45, LONG)])
def test_the_report_is_at_home_in_a_browser(
    browser: Browser, tmp_path: Path, classes: int, name: str, scheme: Literal["light", "dark"]
) -> None:
    """At 375 pixels nothing makes the page scroll sideways, every image is there and has a text, nothing complains."""
    run = small_run(tmp_path / "run")
    run.append_epoch(epoch(1))
    judgement, model = judged(classes, 90, name=name)
    page = write_report(complete(judgement, LONG), model, tmp_path, run)
    browser.show(page, width=375, scheme=scheme)
    # All that is folded is unfolded, for it could be too wide too.
    browser.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert browser.evaluate("document.documentElement.scrollWidth") <= 375
    assert browser.evaluate("[...document.images].length") > 50
    assert browser.evaluate("[...document.images].every(each => each.alt && each.naturalWidth > 0)")
    dark = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark == ("rgb(22, 22, 22)" if scheme == "dark" else "rgb(255, 255, 255)")
    assert browser.complaints == []
