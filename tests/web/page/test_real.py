"""The page with the real server and a real model."""

import pytest

from optotype.data.load import load
from tests.browser import Browser
from tests.web.page.actions import (
    IS_EXPLAINED,
    PREDICTED_LABEL,
    SEVEN,
    click,
    draw,
    error_banner,
    open_page,
    text,
    to_window,
    upload,
)
from tests.web.page.real_server import RealServer
from tests.web.samples import encode_image


def _encode_two() -> bytes:
    mnist = load("mnist")
    return encode_image(mnist.images[list(mnist.labels).index(2)])


def test_drawn_seven_is_predicted_and_explained(browser: Browser, real: RealServer) -> None:
    """A 7 drawn with the mouse is predicted as 7, with model input, heat map and similar training images.

    The page sends requests only to its own server, and the console stays empty.
    """
    open_page(browser, real.address)
    draw(browser)
    browser.until(f"{PREDICTED_LABEL} === '7'")
    assert browser.evaluate("document.querySelector('#bars .is-top .name').textContent") == "7"
    browser.until(IS_EXPLAINED)
    assert text(browser, "input-size") == "28 \N{MULTIPLICATION SIGN} 28 pixels, greyscale"
    assert browser.evaluate("document.getElementById('heatmap').width") == 28
    assert "evidence for “7”" in browser.evaluate(
        "document.getElementById('heatmap').getAttribute('aria-label')"
    )
    assert text(browser, "announcement").startswith("7. ")
    assert browser.complaints == []


def test_single_tap_draws_a_dot(browser: Browser, real: RealServer) -> None:
    """A tap without a movement paints a dot, which is predicted; no error is shown."""
    open_page(browser, real.address)
    draw(browser, ((0.5, 0.5),))
    browser.until(IS_EXPLAINED)
    assert error_banner(browser) == ""
    assert browser.complaints == []


def test_finger_draws_without_scrolling(browser: Browser, real: RealServer) -> None:
    """A 7 drawn with a finger on a phone is predicted as 7 and does not scroll; outside the canvas the page scrolls."""
    open_page(browser, real.address, 375)
    browser.ask("Emulation.setTouchEmulationEnabled", enabled=True)
    try:
        browser.swipe(to_window(browser))
        browser.until(f"{PREDICTED_LABEL} === '7'")
        assert browser.evaluate("scrollY") == 0
        browser.swipe([(180, 760 - 20 * step) for step in range(20)])
        browser.until("scrollY > 0")
    finally:
        browser.ask("Emulation.setTouchEmulationEnabled", enabled=False)
    assert browser.complaints == []


@pytest.mark.parametrize("method", ["drop", "paste", "choose"])
def test_uploaded_image_is_predicted_unchanged(browser: Browser, real: RealServer, method: str) -> None:
    """A 2 of MNIST that is dropped, pasted or chosen is predicted as 2; it has the input size, so it is not fitted."""
    open_page(browser, real.address)
    upload(browser, _encode_two(), method)
    browser.until(f"{PREDICTED_LABEL} === '2'")
    assert not browser.evaluate("document.getElementById('uploaded-image').hidden")
    assert not browser.evaluate("document.getElementById('fit').checked")
    assert browser.complaints == []


def test_damaged_image_leaves_the_page_unchanged(browser: Browser, real: RealServer) -> None:
    """A damaged file shows the server's message; the drawing and its prediction stay, and drawing continues."""
    open_page(browser, real.address)
    draw(browser)
    browser.until(f"{PREDICTED_LABEL} === '7' && {IS_EXPLAINED}")
    upload(browser, _encode_two()[:80], "drop", "broken.png")
    browser.until("document.querySelector('.is-error')")
    assert error_banner(browser).startswith("The image ")
    assert text(browser, "prediction-label") == "7"
    assert browser.evaluate("document.getElementById('uploaded-image').hidden")
    draw(browser, ((0.5, 0.5), (0.6, 0.5)))
    browser.until(f"{IS_EXPLAINED} && !document.querySelector('.is-error')")
    # The stroke continued the drawing and did not start another one.
    assert browser.evaluate("document.querySelectorAll('#history-images li').length") == 1


def test_keyboard_draws(browser: Browser, real: RealServer) -> None:
    """A 1 drawn with the arrow keys is predicted as 1."""
    open_page(browser, real.address)
    browser.evaluate("void document.getElementById('canvas').focus()")
    browser.press(" ")
    for _ in range(15):
        browser.press("ArrowDown")
    browser.press(" ")
    browser.until(f"{PREDICTED_LABEL} === '1'")
    browser.press("Backspace")
    browser.until(f"{PREDICTED_LABEL} === '…'")
    assert browser.complaints == []


def test_page_reconnects_to_its_server(browser: Browser, real: RealServer) -> None:
    """A banner shows that the server is unreachable; when it is back, the drawing is predicted."""
    open_page(browser, real.address)
    real.stop()
    draw(browser)
    browser.until("document.querySelector('.is-offline')")
    real.start()
    browser.until(f"{PREDICTED_LABEL} === '7'")
    assert not browser.evaluate("document.querySelectorAll('.is-offline').length")


def test_correction_is_saved(browser: Browser, real: RealServer) -> None:
    """A correction is saved in the folder of its class, and the page shows how to train with it."""
    open_page(browser, real.address)
    draw(browser, SEVEN)
    browser.until(f"{PREDICTED_LABEL} === '7'")
    browser.evaluate(
        "void (() => { const select = document.getElementById('true-class'); select.value = '1';"
        " select.dispatchEvent(new Event('change')); })()"
    )
    click(browser, "save-correction")
    browser.until("document.getElementById('correction-result').textContent")
    assert real.corrections_folder is not None
    (saved,) = (real.corrections_folder / "1").glob("*.png")
    assert text(browser, "correction-result") == f"Saved as 1/{saved.name}. The folder contains 1 correction."
    assert text(browser, "train-command").startswith("optotype train mnist --add ")
    assert browser.complaints == []
