"""The page in states that are brought about by a server that answers as it is told."""

import io
import json

import pytest
from PIL import Image

from tests.browser import Browser
from tests.web.page.fake import Fake, digits, prediction
from tests.web.page.person import (
    BARS,
    EXPLAINED,
    LABEL,
    click,
    draw,
    give,
    on_surface,
    problem,
    text,
    visit,
)

CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
    "van",
    "bus",
)


def photo(width: int = 60, height: int = 40) -> bytes:
    """Make a picture file."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), (40, 120, 200)).save(file, "PNG")
    return file.getvalue()


def asked(server: Fake, path: str) -> int:
    """Count the requests for a path."""
    return [each[1] for each in server.asked].count(path)


@pytest.mark.parametrize(
    ("said", "label", "doubt"),
    [
        (prediction([0.0004, 0.9996]), "1", "99.96"),
        (prediction([0.0, 1.0]), "1", ">99.99"),
        (prediction([0.0, 0.999996]), "1", ">99.99"),
        (prediction([0.6, 0.4], label_set=["0", "1"]), "It may be 0 or 1", "Most likely 0 (60.0"),
        (prediction([0.2] * 5, label_set=list("01234")), "It may be 0, 1, 2, 3 or 4", "Most likely 0"),
        (prediction([0.1] * 10, label_set=list("0123456")), "It may be any of 7 classes", "Most likely 0"),
        (
            prediction([0.9, 0.1], unknown=True),
            "I don\N{RIGHT SINGLE QUOTATION MARK}t know",
            "unlike the training images",
        ),
        (prediction([0.9, 0.1], unknown=None, label_set=None), "0", "90.0"),
    ],
)
def test_the_answer_claims_no_more_than_it_knows(
    browser: Browser, server: Fake, said: dict[str, object], label: str, doubt: str
) -> None:
    """The verdict names one class, several, or none; it never says 100 %; what it means is there to be read."""
    server.prediction = said
    visit(browser, server.address)
    draw(browser)
    browser.until(f"{LABEL} !== '…'")
    assert text(browser, "verdict-label") == label
    assert doubt in text(browser, "verdict-doubt")
    assert "100" not in text(browser, "verdict-doubt")
    assert browser.evaluate("document.getElementById('verdict-meaning').hidden") == (
        said["label_set"] is None
    )
    browser.until("document.getElementById('spoken').textContent")
    assert text(browser, "spoken").startswith(label)


def test_bars_of_few_classes_stand_still(browser: Browser, server: Fake) -> None:
    """The bars of ten classes stand in the classes' order, whatever is likeliest."""
    visit(browser, server.address)
    draw(browser)
    browser.until(EXPLAINED)
    bars = browser.evaluate(BARS)
    assert [bar.split()[0] for bar in bars] == list("0123456789")
    assert bars[7] == "7 98.5 %"
    assert bars[0] == "0 0.1 %"


def test_bars_of_many_classes_are_those_of_the_likeliest(browser: Browser, server: Fake) -> None:
    """Of twelve classes the ten likeliest are shown, likeliest first; names with markup in them are only text."""
    names = [*CLASSES[:11], "<img src=x onerror=alert(1)>"]
    server.model = digits(
        class_names=names,
        input_shape=[32, 32, 3],
        fits=["stretch"],
        drawing_fit="stretch",
        collect="/a b",
        source="/my data/mnist",
    )
    top = [{"label": name, "probability": 0.5 / 2**n} for n, name in enumerate(names[::-1][:10])]
    server.prediction = {**top[0], "top": top, "label_set": names, "unknown": False}
    visit(browser, server.address)
    give(browser, photo(), "drop", "<b>boat.png")
    browser.until(EXPLAINED)
    shown = browser.evaluate("[...document.querySelectorAll('#bars .name')].map(each => each.textContent)")
    assert shown == names[::-1][:10]
    assert not browser.evaluate(
        "document.querySelectorAll('#bars img, #correct-label img, #facts img').length"
    )
    assert browser.evaluate("document.getElementById('fit-row').hidden")
    assert text(browser, "draw-heading") == "Show a picture, or draw"
    assert text(browser, "add-command") == "optotype train '/my data/mnist' --add '/a b'"
    assert browser.complaints == []


def test_bars_follow_the_pen(browser: Browser, server: Fake) -> None:
    """While the pen is down the server is asked, one request at a time, and once more when it has come to rest."""
    visit(browser, server.address)
    server.delays.extend([0.3] * 3)
    points = on_surface(browser)
    for index, (x, y) in enumerate(points):
        kind = "mouseMoved" if index else "mousePressed"
        browser.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)
        if index == len(points) // 2:
            browser.until(f"{LABEL} === '7'")
    browser.until(EXPLAINED)
    times = asked(server, "/v1/predict")
    assert 2 <= times <= len(points)
    assert server.at_once == 1
    browser.ask("Input.dispatchMouseEvent", type="mouseReleased", x=0, y=0, button="left")


def test_an_answer_that_comes_too_late_is_not_shown(browser: Browser, server: Fake) -> None:
    """What was asked before the drawing was cleared is not answered afterwards."""
    visit(browser, server.address)
    server.delays.append(0.5)
    draw(browser)
    while not asked(server, "/v1/predict"):
        browser.evaluate("1")
    click(browser, "clear")
    browser.evaluate("new Promise(done => setTimeout(done, 900))")
    assert text(browser, "verdict-label") == "…"
    assert not browser.evaluate("document.querySelectorAll('.notice').length")
    assert browser.complaints == []


def test_a_busy_server_is_asked_again(browser: Browser, server: Fake) -> None:
    """429 and 503 are waited out for as long as the server says, which is told, and then the newest is asked."""
    visit(browser, server.address)
    server.refusals.extend([(429, "Too many.", 1), (503, "Being stopped.", 1)])
    draw(browser)
    browser.until("document.querySelector('.is-busy')")
    browser.until(f"{LABEL} === '7'")
    first, second, third = server.times[:3]
    # However slow the machine, less cannot lie between them.
    assert min(second - first, third - second) >= 1
    assert not browser.evaluate("document.querySelectorAll('.notice').length")


def test_the_server_may_go_and_come_back(browser: Browser, server: Fake) -> None:
    """While the server is gone a banner says so; when it is back with another model, that is told and asked."""
    visit(browser, server.address)
    server.stop()
    draw(browser)
    browser.until("document.querySelector('.is-gone')")
    server.model = digits("sha256:0002", name="mnist-better", class_names=[*"012345678", "nine"])
    server.start()
    browser.until(f"{LABEL} === '7'")
    browser.until("document.querySelector('.is-news')")
    assert not browser.evaluate("document.querySelectorAll('.is-gone').length")
    assert "mnist-better" in browser.evaluate("document.title")


def test_a_model_that_was_loaded_again_is_told_of(browser: Browser, server: Fake) -> None:
    """When an answer comes from another model, the page learns what it is and asks it."""
    visit(browser, server.address)
    draw(browser)
    browser.until(f"{LABEL} === '7'")
    server.model = digits("sha256:0002", name="mnist-better", parameters=1234)
    server.prediction = prediction([0.01, 0.99])
    draw(browser, ((0.3, 0.6), (0.6, 0.6)))
    browser.until("document.querySelector('.is-news')")
    browser.until(f"{LABEL} === '1'")
    assert "1,234" in text(browser, "facts")
    assert browser.complaints == []


def test_a_refusal_is_a_sentence(browser: Browser, server: Fake) -> None:
    """What the server refuses is said in its words; a file over its limit is not even sent."""
    visit(browser, server.address)
    server.refusals.extend([(422, "The picture shows <nothing>. Draw something.", 0)] * 100)
    draw(browser)
    browser.until("document.querySelector('.is-problem')")
    assert problem(browser) == "The picture shows <nothing>. Draw something."
    server.refusals.clear()
    draw(browser)
    browser.until(f"{EXPLAINED} && !document.querySelector('.is-problem')")
    before = asked(server, "/v1/predict")
    give(browser, bytes(2 << 20), "choose", "huge.png")
    browser.until("document.querySelector('.is-problem p')?.textContent.includes('huge.png has 3 MB')")
    assert asked(server, "/v1/predict") == before


def test_the_token_is_asked_for(browser: Browser, server: Fake) -> None:
    """A server with a token gets it from the person, who may err once; it stays for the tab, and out of the address."""
    server.token = "open sesame"  # noqa: S105 - a test's
    browser.show(server.address)
    for given in ("wrong", "wrong", "open sesame"):
        browser.until("document.getElementById('token').open")
        browser.evaluate(f"void (document.getElementById('token-text').value = {json.dumps(given)})")
        browser.evaluate("document.getElementById('token-form').requestSubmit()")
    browser.until("document.title.endsWith('optotype') && document.title.length > 8")
    visit(browser, server.address)
    browser.evaluate("sessionStorage.clear()")
    server.token = "from the address"  # noqa: S105 - a test's
    browser.evaluate("void (location.hash = 'token=from+the+address')")
    browser.evaluate("location.reload()")
    browser.until("document.title.endsWith(' · optotype') && !location.hash")
    assert not browser.evaluate("document.getElementById('token').open")


def test_the_address_with_the_token_helps_an_open_page(browser: Browser, server: Fake) -> None:
    """Put into the tab that asks for the token, or that was denied it, the printed address answers; it vanishes."""
    server.token = "from the address"  # noqa: S105 - a test's
    for denied in (False, True):
        browser.show(server.address)
        browser.until("document.getElementById('token').open")
        if denied:
            browser.press("Escape")
            browser.until("document.querySelector('.is-problem')")
        browser.evaluate("void (location.hash = 'token=from+the+address')")
        browser.until("document.title.endsWith(' · optotype') && !location.hash")
        assert not browser.evaluate("document.getElementById('token').open")
        browser.evaluate("sessionStorage.clear()")


def test_a_picture_of_this_visit_comes_back(browser: Browser, server: Fake) -> None:
    """A drawing and a file are both in the visit's list; clicking brings each back, with its answer."""
    visit(browser, server.address)
    draw(browser)
    browser.until(EXPLAINED)
    server.prediction = prediction([0.01, 0.99])
    give(browser, photo(), "paste")
    browser.until("document.querySelectorAll('#visited li').length === 2")
    shown = "[...document.querySelectorAll('#visited span')].map(each => each.textContent)"
    assert browser.evaluate(shown) == ["1", "7"]
    server.prediction = prediction([0.0] * 7 + [1.0])
    browser.evaluate("void document.querySelectorAll('#visited button')[1].click()")
    browser.until(f"{LABEL} === '7'")
    assert browser.evaluate("document.getElementById('photo').hidden")
    click(browser, "undo")
    browser.until(f"{LABEL} === '…'")
    browser.evaluate("void document.querySelector('#visited button').click()")
    browser.until("!document.getElementById('photo').hidden")
    browser.until(f"{LABEL} === '7'")
    assert browser.complaints == []


def test_what_was_cleared_can_be_had_back(browser: Browser, server: Fake) -> None:
    """Undo takes back a stroke, and a clearing."""
    visit(browser, server.address)
    draw(browser)
    click(browser, "clear")
    assert text(browser, "verdict-label") == "…"
    click(browser, "undo")
    browser.until(f"{LABEL} === '7'")
    click(browser, "undo")
    browser.until(f"{LABEL} === '…'")


def test_the_fit_can_be_chosen(browser: Browser, server: Fake) -> None:
    """A drawing is treated as a digit unless the person wants otherwise, which is asked at once and remembered."""
    visit(browser, server.address)
    draw(browser)
    browser.until(EXPLAINED)
    click(browser, "fit")
    browser.until(f"{EXPLAINED} && !document.getElementById('fit').checked")
    fits = [query["fit"][0] for _, path, query in server.asked if path == "/v1/predict"]
    assert fits[-1] == "stretch"
    assert fits[0] == "digit"
    click(browser, "clear")
    assert not browser.evaluate("document.getElementById('fit').checked")


def test_a_refused_picture_may_be_tried_with_another_fit(browser: Browser, server: Fake) -> None:
    """The choice of fit is the refused photograph's until something else is shown, and asks for it again."""
    visit(browser, server.address)
    server.refusals.append((422, "The picture shows nothing that stands out.", 0))
    give(browser, photo(), "drop")
    browser.until("document.querySelector('.is-problem')")
    assert browser.evaluate("document.getElementById('fit').checked")
    click(browser, "fit")
    browser.until(f"{LABEL} === '7' && !document.querySelector('.is-problem')")
    assert not browser.evaluate("document.getElementById('photo').hidden")
    assert [query["fit"][0] for _, path, query in server.asked if path == "/v1/predict"] == [
        "digit",
        "stretch",
    ]
    server.refusals.append((422, "The picture is cut short.", 0))
    give(browser, photo(), "drop")
    browser.until("document.querySelector('.is-problem')")
    draw(browser)
    browser.until(f"{EXPLAINED} && !document.querySelector('.is-problem')")
    assert browser.evaluate("document.getElementById('fit').checked")
    click(browser, "fit")
    browser.until(EXPLAINED)
    assert browser.evaluate("document.getElementById('photo').hidden")


def test_the_camera_is_on_only_while_it_is_looked_through(browser: Browser, server: Fake) -> None:
    """A picture taken is shown square, and the camera is off afterwards; one that is refused is told of."""
    visit(browser, server.address)
    click(browser, "open-camera")
    browser.until("document.getElementById('finder').videoWidth && !document.getElementById('take').disabled")
    browser.evaluate("void (window.track = document.getElementById('finder').srcObject.getTracks()[0])")
    click(browser, "take")
    browser.until("!document.getElementById('photo').hidden")
    assert browser.evaluate("window.track.readyState") == "ended"
    assert browser.evaluate(
        "document.getElementById('photo').decode().then(() => ['naturalWidth', 'naturalHeight']"
        ".map(side => document.getElementById('photo')[side])).then(([a, b]) => a === b && a > 100)"
    )
    click(browser, "open-camera")
    browser.until("document.getElementById('camera').open")
    browser.press("Escape")
    browser.until("!document.getElementById('finder').srcObject")
    browser.evaluate(
        "void (navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError'); })"
    )
    click(browser, "open-camera")
    browser.until("document.querySelector('.is-problem')")
    assert "permission was refused" in problem(browser)
    assert browser.complaints == []


def test_a_finger_finds_every_control(browser: Browser, server: Fake) -> None:
    """Where the pointer is a finger, everything to be touched is at least 44 pixels high and wide."""
    server.model = digits(collect="/corrections")
    browser.ask("Emulation.setTouchEmulationEnabled", enabled=True)
    try:
        visit(browser, server.address, 375)
        assert browser.evaluate("matchMedia('(pointer: coarse)').matches")
        draw(browser)
        browser.until(EXPLAINED)
        small = browser.evaluate(
            "[...document.querySelectorAll('button, select, summary, label, .about a')]"
            ".map(each => [each.id || each.textContent, each.getBoundingClientRect()])"
            ".filter(([, place]) => place.width > 1 && Math.min(place.width, place.height) < 44)"
            ".map(([name]) => name)"
        )
        assert small == []
    finally:
        browser.ask("Emulation.setTouchEmulationEnabled", enabled=False)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_telephone(browser: Browser, server: Fake, scheme: str) -> None:
    """At 375 pixels nothing scrolls sideways, with long names and everything unfolded; every image has a text."""
    long = "a_class_whose_name_is_one_long_word_that_nobody_would_break"
    server.model = digits(
        class_names=[long, *CLASSES], collect="/home/somebody/with/a/long/path/to/the/corrections/of/this"
    )
    server.prediction = prediction([0.6, 0.4], label=long, label_set=[long, "cat"])
    server.prediction["top"][0]["label"] = long
    browser.show(server.address, width=375, scheme="dark" if scheme == "dark" else "light")
    browser.until("document.title.endsWith(' · optotype')")
    draw(browser)
    browser.until(EXPLAINED)
    browser.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    server.refusals.append((422, f"The picture {long} cannot be read.", 0))
    give(browser, photo(), "drop")
    browser.until("document.querySelector('.is-problem')")
    assert browser.evaluate("document.documentElement.scrollWidth") <= 375
    assert browser.evaluate(
        "[...document.images].every(each => each.hidden || each.alt || each.closest('button[aria-label]'))"
    )
