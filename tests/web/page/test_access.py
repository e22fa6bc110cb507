"""Accessibility of the page."""

from tests.browser import Browser
from tests.web.page.actions import open_page, upload
from tests.web.page.fake_server import FakeServer
from tests.web.samples import encode_image, images


def test_canvas_is_described_to_screen_readers(browser: Browser, server: FakeServer) -> None:
    """Screen readers read the canvas's keys, although the table of keys is collapsed."""
    open_page(browser, server.address)
    browser.ask("Accessibility.enable")
    nodes = browser.ask("Accessibility.getFullAXTree")["nodes"]
    (canvas,) = [node for node in nodes if node.get("name", {}).get("value") == "Drawing canvas"]
    assert canvas["description"]["value"].startswith("Arrow keys move the pen")


def test_banner_button_is_on_one_line(browser: Browser, server: FakeServer) -> None:
    """The button "Close" keeps one line beside a long message."""
    open_page(browser, server.address)
    server.errors.append((422, "A message of some length. " * 20, 0))
    upload(browser, encode_image(images(1)[0]), "drop")
    browser.until("document.querySelector('.is-error')")
    assert browser.evaluate("document.querySelector('.is-error button').getBoundingClientRect().height") < 50
