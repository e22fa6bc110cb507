"""The page for those who do not see it, or not as its makers do."""

from tests.browser import Browser
from tests.web.page.fake import Fake
from tests.web.page.person import give, visit
from tests.web.samples import as_file, images


def test_a_screen_reader_hears_which_keys_draw(browser: Browser, server: Fake) -> None:
    """The drawing surface is described by its keys, although the table of keys is folded away."""
    visit(browser, server.address)
    browser.ask("Accessibility.enable")
    nodes = browser.ask("Accessibility.getFullAXTree")["nodes"]
    (surface,) = [each for each in nodes if each.get("name", {}).get("value") == "Drawing surface"]
    assert surface["description"]["value"].startswith("Arrow keys move the pen")


def test_a_banner_keeps_its_button_whole(browser: Browser, server: Fake) -> None:
    """Beside a long sentence "Close" stands in one line."""
    visit(browser, server.address)
    server.refusals.append((422, "A sentence of some length. " * 20, 0))
    give(browser, as_file(images(1)[0]), "drop")
    browser.until("document.querySelector('.is-problem')")
    assert (
        browser.evaluate("document.querySelector('.is-problem button').getBoundingClientRect().height") < 50
    )
