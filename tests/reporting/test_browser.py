"""The report in a real browser, and what the browser reports."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from optotype.reporting import write_report
from tests.browser import CHROMIUM, Browser, opened
from tests.judging.samples import complete, judged
from tests.runs.samples import epoch, small_run

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium (on Debian: apt-get install chromium chromium-driver)"
)
LONG = "a_class_whose_name_is_one_long_word_that_nobody_would_break_{}"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return one browser for all pages."""
    with opened(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("classes", "name"), [(10, "{}"), (45, LONG)])
def test_the_report_fits_a_telephone(
    browser: Browser, tmp_path: Path, classes: int, name: str, scheme: Literal["light", "dark"]
) -> None:
    """At 375 pixels the page does not scroll sideways, every image loads and has an alt text, no error is logged."""
    run = small_run(tmp_path / "run")
    run.append_epoch(epoch(1))
    judgement, model = judged(classes, 90, name=name)
    page = write_report(complete(judgement, LONG), model, tmp_path, run)
    browser.show(page, width=375, scheme=scheme)
    # Folded parts are unfolded because they could also be too wide.
    browser.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert browser.evaluate("document.documentElement.scrollWidth") <= 375
    assert browser.evaluate("[...document.images].length") > 50
    assert browser.evaluate("[...document.images].every(each => each.alt && each.naturalWidth > 0)")
    background = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(22, 22, 22)" if scheme == "dark" else "rgb(255, 255, 255)")
    assert browser.complaints == []


def test_the_browser_reports_messages_and_requests(browser: Browser, tmp_path: Path) -> None:
    """Messages of the console, exceptions, requests and violations of a page's policy are complaints."""
    page = tmp_path / "page.html"
    cases = {
        "<script>console.log('hello')</script>": "hello",
        "<script>throw new Error('broken')</script>": "broken",
        "<img src='http://127.0.0.1:9/x.png'>": "127.0.0.1:9",
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\"><style></style>": "Security Policy",
    }
    for content, message in cases.items():
        browser.complaints.clear()
        page.write_text(f"<!doctype html><title>page</title>{content}")
        browser.show(page)
        assert any(message in complaint for complaint in browser.complaints), message
    browser.complaints.clear()
