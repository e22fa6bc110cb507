"""The page with the real server and a real model."""

import pytest

from optotype.data.load import load
from tests.browser import Browser
from tests.web.page.person import EXPLAINED, LABEL, SEVEN, click, draw, give, on_surface, problem, text, visit
from tests.web.page.real import Real
from tests.web.samples import as_file


def _two() -> bytes:
    mnist = load("mnist")
    return as_file(mnist.images[list(mnist.labels).index(2)])


def test_a_seven_that_is_drawn_is_a_seven(browser: Browser, real: Real) -> None:
    """Who draws a 7 with the mouse reads "7", sees what the model sees, what matters and similar training images.

    Nothing but the server of the page is asked, and the console has nothing to say.
    """
    visit(browser, real.address)
    draw(browser)
    browser.until(f"{LABEL} === '7'")
    assert browser.evaluate("document.querySelector('#bars .is-first .name').textContent") == "7"
    browser.until(EXPLAINED)
    assert text(browser, "seen-size") == "28 \N{MULTIPLICATION SIGN} 28 pixels, grey"
    assert browser.evaluate("document.getElementById('heat').width") == 28
    assert "Most important for “7”" in browser.evaluate(
        "document.getElementById('heat').getAttribute('aria-label')"
    )
    assert text(browser, "spoken").startswith("7. ")
    assert browser.complaints == []


def test_a_finger_draws_and_does_not_scroll(browser: Browser, real: Real) -> None:
    """A 7 drawn with a finger on a telephone is a 7, and the page stays where it is; beside the surface it scrolls."""
    visit(browser, real.address, 375)
    browser.ask("Emulation.setTouchEmulationEnabled", enabled=True)
    try:
        browser.swipe(on_surface(browser))
        browser.until(f"{LABEL} === '7'")
        assert browser.evaluate("scrollY") == 0
        browser.swipe([(180, 760 - 20 * step) for step in range(20)])
        browser.until("scrollY > 0")
    finally:
        browser.ask("Emulation.setTouchEmulationEnabled", enabled=False)
    assert browser.complaints == []


@pytest.mark.parametrize("how", ["drop", "paste", "choose"])
def test_a_picture_that_is_given_is_seen_as_it_is(browser: Browser, real: Real, how: str) -> None:
    """A 2 of MNIST that is dropped, pasted or chosen is a 2; having the model's size, it is not refitted."""
    visit(browser, real.address)
    give(browser, _two(), how)
    browser.until(f"{LABEL} === '2'")
    assert not browser.evaluate("document.getElementById('photo').hidden")
    assert not browser.evaluate("document.getElementById('fit').checked")
    assert browser.complaints == []


def test_a_broken_picture_leaves_what_was_there(browser: Browser, real: Real) -> None:
    """A broken file gets the server's sentence; the drawing and its answer stay, and drawing goes on."""
    visit(browser, real.address)
    draw(browser)
    browser.until(f"{LABEL} === '7' && {EXPLAINED}")
    give(browser, _two()[:80], "drop", "broken.png")
    browser.until("document.querySelector('.is-problem')")
    assert problem(browser).startswith("The image cannot be read")
    assert text(browser, "verdict-label") == "7"
    assert browser.evaluate("document.getElementById('photo').hidden")
    draw(browser, ((0.5, 0.5), (0.6, 0.5)))
    browser.until(f"{EXPLAINED} && !document.querySelector('.is-problem')")
    # The stroke went on with the drawing, and began no other.
    assert browser.evaluate("document.querySelectorAll('#visited li').length") == 1


def test_the_keyboard_draws_too(browser: Browser, real: Real) -> None:
    """A 1 drawn with the arrow keys alone is a 1."""
    visit(browser, real.address)
    browser.evaluate("void document.getElementById('surface').focus()")
    browser.press(" ")
    for _ in range(15):
        browser.press("ArrowDown")
    browser.press(" ")
    browser.until(f"{LABEL} === '1'")
    browser.press("Backspace")
    browser.until(f"{LABEL} === '…'")
    assert browser.complaints == []


def test_the_page_outlives_its_server(browser: Browser, real: Real) -> None:
    """A server that is gone is told of; once it is there again, what was drawn meanwhile is answered."""
    visit(browser, real.address)
    real.stop()
    draw(browser)
    browser.until("document.querySelector('.is-gone')")
    real.start()
    browser.until(f"{LABEL} === '7'")
    assert not browser.evaluate("document.querySelectorAll('.is-gone').length")


def test_a_correction_is_kept(browser: Browser, real: Real) -> None:
    """A picture kept under another label is in the folder of that class, and the page says how to train with it."""
    visit(browser, real.address)
    draw(browser, SEVEN)
    browser.until(f"{LABEL} === '7'")
    browser.evaluate(
        "void (() => { const choice = document.getElementById('correct-label'); choice.value = '1';"
        " choice.dispatchEvent(new Event('change')); })()"
    )
    click(browser, "keep")
    browser.until("document.getElementById('kept').textContent")
    assert real.collect is not None
    (kept,) = (real.collect / "1").glob("*.png")
    assert text(browser, "kept") == f"Kept as 1/{kept.name}. The folder holds 1 picture now."
    assert text(browser, "add-command").startswith("optotype train mnist --add ")
    assert browser.complaints == []
