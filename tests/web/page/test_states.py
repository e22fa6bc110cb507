"""States of the page that a fake server produces."""

import io
import json

import pytest
from PIL import Image

from tests.browser import Browser
from tests.web.page.actions import (
    BARS,
    IS_EXPLAINED,
    PREDICTED_LABEL,
    click,
    draw,
    error_banner,
    open_page,
    text,
    to_window,
    upload,
)
from tests.web.page.fake_server import FakeServer, make_model, make_prediction

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


def encode_photo(width: int = 60, height: int = 40) -> bytes:
    """Encode an image file."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), (40, 120, 200)).save(file, "PNG")
    return file.getvalue()


def count_requests(server: FakeServer, path: str) -> int:
    """Count the requests for a path."""
    return [requested for _, requested, _ in server.requests].count(path)


@pytest.mark.parametrize(
    ("prediction", "label", "details"),
    [
        (make_prediction([0.0004, 0.9996]), "1", "99.96"),
        (make_prediction([0.0, 1.0]), "1", ">99.99"),
        (make_prediction([0.0, 0.999996]), "1", ">99.99"),
        (make_prediction([0.6, 0.4], label_set=["0", "1"]), "It may be 0 or 1", "Most probable: 0 (60.0"),
        (
            make_prediction([0.2] * 5, label_set=list("01234")),
            "It may be 0, 1, 2, 3 or 4",
            "Most probable: 0",
        ),
        (
            make_prediction([0.1] * 10, label_set=list("0123456")),
            "It may be one of 7 classes",
            "Most probable: 0",
        ),
        (
            make_prediction([0.9, 0.1], unknown=True),
            "I don\N{RIGHT SINGLE QUOTATION MARK}t know",
            "unlike the training images",
        ),
        (make_prediction([0.9, 0.1], unknown=None, label_set=None), "0", "90.0"),
    ],
)
def test_prediction_shows_its_uncertainty(
    browser: Browser, server: FakeServer, prediction: dict[str, object], label: str, details: str
) -> None:
    """The page names one class, several, or none; it never shows 100 %; a help text explains the label set."""
    server.prediction = prediction
    open_page(browser, server.address)
    draw(browser)
    browser.until(f"{PREDICTED_LABEL} !== '…'")
    assert text(browser, "prediction-label") == label
    assert details in text(browser, "prediction-details")
    assert "100" not in text(browser, "prediction-details")
    assert browser.evaluate("document.getElementById('prediction-help').hidden") == (
        prediction["label_set"] is None
    )
    browser.until("document.getElementById('announcement').textContent")
    assert text(browser, "announcement").startswith(label)


def test_bars_of_few_classes_keep_their_order(browser: Browser, server: FakeServer) -> None:
    """The bars of ten classes have the order of the classes, whichever is most probable."""
    open_page(browser, server.address)
    draw(browser)
    browser.until(IS_EXPLAINED)
    bars = browser.evaluate(BARS)
    assert [bar.split()[0] for bar in bars] == list("0123456789")
    assert bars[7] == "7 98.5 %"
    assert bars[0] == "0 0.1 %"


def test_bars_of_many_classes_show_the_most_probable(browser: Browser, server: FakeServer) -> None:
    """Of twelve classes the ten most probable are shown in order; class names with markup are shown as text."""
    names = [*CLASSES[:11], "<img src=x onerror=alert(1)>"]
    server.model = make_model(
        class_names=names,
        input_shape=[32, 32, 3],
        fits=["stretch"],
        drawing_fit="stretch",
        corrections_folder="/a b",
        source="/my data/mnist",
    )
    top = [{"label": name, "probability": 0.5 / 2**n} for n, name in enumerate(names[::-1][:10])]
    server.prediction = {**top[0], "top": top, "label_set": names, "unknown": False}
    open_page(browser, server.address)
    upload(browser, encode_photo(), "drop", "<b>boat.png")
    browser.until(IS_EXPLAINED)
    labels = browser.evaluate("[...document.querySelectorAll('#bars .name')].map(name => name.textContent)")
    assert labels == names[::-1][:10]
    assert not browser.evaluate(
        "document.querySelectorAll('#bars img, #true-class img, #model-facts img').length"
    )
    assert browser.evaluate("document.getElementById('fit-row').hidden")
    assert text(browser, "draw-heading") == "Upload or draw an image"
    assert text(browser, "train-command") == "optotype train '/my data/mnist' --add '/a b'"
    assert browser.complaints == []


def test_bars_are_updated_while_drawing(browser: Browser, server: FakeServer) -> None:
    """While the pen is down the page sends one request at a time, and one more when the pen rests."""
    open_page(browser, server.address)
    server.delays.extend([0.3] * 3)
    points = to_window(browser)
    for index, (x, y) in enumerate(points):
        event = "mouseMoved" if index else "mousePressed"
        browser.ask("Input.dispatchMouseEvent", type=event, x=x, y=y, button="left", buttons=1, clickCount=1)
        if index == len(points) // 2:
            browser.until(f"{PREDICTED_LABEL} === '7'")
    browser.until(IS_EXPLAINED)
    count = count_requests(server, "/v1/predict")
    assert 2 <= count <= len(points)
    assert server.max_concurrent == 1
    browser.ask("Input.dispatchMouseEvent", type="mouseReleased", x=0, y=0, button="left")


def test_outdated_response_is_ignored(browser: Browser, server: FakeServer) -> None:
    """The response to a drawing that was cleared meanwhile is not shown."""
    open_page(browser, server.address)
    server.delays.append(0.5)
    draw(browser)
    while not count_requests(server, "/v1/predict"):
        browser.evaluate("1")
    click(browser, "clear")
    browser.evaluate("new Promise(resolve => setTimeout(resolve, 900))")
    assert text(browser, "prediction-label") == "…"
    assert not browser.evaluate("document.querySelectorAll('.banner').length")
    assert browser.complaints == []


def test_busy_server_is_retried(browser: Browser, server: FakeServer) -> None:
    """After 429 and 503 the page shows a banner, waits as long as Retry-After says, and sends the newest drawing."""
    open_page(browser, server.address)
    server.errors.extend([(429, "Too many.", 1), (503, "Stopping.", 1)])
    draw(browser)
    browser.until("document.querySelector('.is-busy')")
    browser.until(f"{PREDICTED_LABEL} === '7'")
    first, second, third = server.times[:3]
    # The interval cannot be shorter, however slow the machine is.
    assert min(second - first, third - second) >= 1
    assert not browser.evaluate("document.querySelectorAll('.banner').length")


def test_page_reconnects_to_another_model(browser: Browser, server: FakeServer) -> None:
    """A banner shows that the server is unreachable; when it is back with another model, the page uses that model."""
    open_page(browser, server.address)
    server.stop()
    draw(browser)
    browser.until("document.querySelector('.is-offline')")
    server.model = make_model("sha256:0002", name="mnist-better", class_names=[*"012345678", "nine"])
    server.start()
    browser.until(f"{PREDICTED_LABEL} === '7'")
    browser.until("document.querySelector('.is-info')")
    assert not browser.evaluate("document.querySelectorAll('.is-offline').length")
    assert "mnist-better" in browser.evaluate("document.title")


def test_reloaded_model_is_shown(browser: Browser, server: FakeServer) -> None:
    """When a response comes from another model, the page shows its description and its prediction."""
    open_page(browser, server.address)
    draw(browser)
    browser.until(f"{PREDICTED_LABEL} === '7'")
    server.model = make_model("sha256:0002", name="mnist-better", parameters=1234)
    server.prediction = make_prediction([0.01, 0.99])
    draw(browser, ((0.3, 0.6), (0.6, 0.6)))
    browser.until("document.querySelector('.is-info')")
    browser.until(f"{PREDICTED_LABEL} === '1'")
    assert "1,234" in text(browser, "model-facts")
    assert browser.complaints == []


def test_error_messages_are_shown(browser: Browser, server: FakeServer) -> None:
    """The page shows the server's error message as text; a file over the limit is not sent."""
    open_page(browser, server.address)
    server.errors.extend([(422, "The image shows <nothing>. Draw something.", 0)] * 100)
    draw(browser)
    browser.until("document.querySelector('.is-error')")
    assert error_banner(browser) == "The image shows <nothing>. Draw something."
    server.errors.clear()
    draw(browser)
    browser.until(f"{IS_EXPLAINED} && !document.querySelector('.is-error')")
    before = count_requests(server, "/v1/predict")
    upload(browser, bytes(2 << 20), "choose", "huge.png")
    browser.until("document.querySelector('.is-error p')?.textContent.includes('huge.png has 3 MB')")
    assert count_requests(server, "/v1/predict") == before


def test_token_is_requested(browser: Browser, server: FakeServer) -> None:
    """The user enters the token, again if it was wrong; it is kept for the tab and removed from the URL."""
    server.token = "open sesame"  # noqa: S105 - a test's
    browser.show(server.address)
    for entered in ("wrong", "wrong", "open sesame"):
        browser.until("document.getElementById('token').open")
        browser.evaluate(f"void (document.getElementById('token-text').value = {json.dumps(entered)})")
        browser.evaluate("document.getElementById('token-form').requestSubmit()")
    browser.until("document.title.endsWith('optotype') && document.title.length > 8")
    open_page(browser, server.address)
    browser.evaluate("sessionStorage.clear()")
    server.token = "from the url"  # noqa: S105 - a test's
    browser.evaluate("void (location.hash = 'token=from+the+url')")
    browser.evaluate("location.reload()")
    browser.until("document.title.endsWith(' · optotype') && !location.hash")
    assert not browser.evaluate("document.getElementById('token').open")


def test_url_with_the_token_unlocks_an_open_page(browser: Browser, server: FakeServer) -> None:
    """The printed URL unlocks a tab that asks for the token, also after the dialog was closed; the token is removed."""
    server.token = "from the url"  # noqa: S105 - a test's
    for is_cancelled in (False, True):
        browser.show(server.address)
        browser.until("document.getElementById('token').open")
        if is_cancelled:
            browser.press("Escape")
            browser.until("document.querySelector('.is-error')")
        browser.evaluate("void (location.hash = 'token=from+the+url')")
        browser.until("document.title.endsWith(' · optotype') && !location.hash")
        assert not browser.evaluate("document.getElementById('token').open")
        browser.evaluate("sessionStorage.clear()")


def test_history_restores_images(browser: Browser, server: FakeServer) -> None:
    """A drawing and a file are in the history; clicking shows each again with its prediction."""
    open_page(browser, server.address)
    draw(browser)
    browser.until(IS_EXPLAINED)
    server.prediction = make_prediction([0.01, 0.99])
    upload(browser, encode_photo(), "paste")
    browser.until("document.querySelectorAll('#history-images li').length === 2")
    captions = "[...document.querySelectorAll('#history-images span')].map(span => span.textContent)"
    assert browser.evaluate(captions) == ["1", "7"]
    server.prediction = make_prediction([0.0] * 7 + [1.0])
    browser.evaluate("void document.querySelectorAll('#history-images button')[1].click()")
    browser.until(f"{PREDICTED_LABEL} === '7'")
    assert browser.evaluate("document.getElementById('uploaded-image').hidden")
    click(browser, "undo")
    browser.until(f"{PREDICTED_LABEL} === '…'")
    browser.evaluate("void document.querySelector('#history-images button').click()")
    browser.until("!document.getElementById('uploaded-image').hidden")
    browser.until(f"{PREDICTED_LABEL} === '7'")
    assert browser.complaints == []


def test_undo_restores_a_cleared_drawing(browser: Browser, server: FakeServer) -> None:
    """Undo removes a stroke and reverts clearing."""
    open_page(browser, server.address)
    draw(browser)
    click(browser, "clear")
    assert text(browser, "prediction-label") == "…"
    click(browser, "undo")
    browser.until(f"{PREDICTED_LABEL} === '7'")
    click(browser, "undo")
    browser.until(f"{PREDICTED_LABEL} === '…'")


def test_fit_can_be_changed(browser: Browser, server: FakeServer) -> None:
    """A drawing is fitted as a digit; a change applies at once and is remembered."""
    open_page(browser, server.address)
    draw(browser)
    browser.until(IS_EXPLAINED)
    click(browser, "fit")
    browser.until(f"{IS_EXPLAINED} && !document.getElementById('fit').checked")
    fits = [query["fit"][0] for _, path, query in server.requests if path == "/v1/predict"]
    assert fits[-1] == "stretch"
    assert fits[0] == "digit"
    click(browser, "clear")
    assert not browser.evaluate("document.getElementById('fit').checked")


def test_rejected_image_can_use_another_fit(browser: Browser, server: FakeServer) -> None:
    """The fit applies to the rejected image until another image is shown; changing it sends that image again."""
    open_page(browser, server.address)
    server.errors.append((422, "The image shows nothing that stands out.", 0))
    upload(browser, encode_photo(), "drop")
    browser.until("document.querySelector('.is-error')")
    assert browser.evaluate("document.getElementById('fit').checked")
    click(browser, "fit")
    browser.until(f"{PREDICTED_LABEL} === '7' && !document.querySelector('.is-error')")
    assert not browser.evaluate("document.getElementById('uploaded-image').hidden")
    assert [query["fit"][0] for _, path, query in server.requests if path == "/v1/predict"] == [
        "digit",
        "stretch",
    ]
    server.errors.append((422, "The image is truncated.", 0))
    upload(browser, encode_photo(), "drop")
    browser.until("document.querySelector('.is-error')")
    draw(browser)
    browser.until(f"{IS_EXPLAINED} && !document.querySelector('.is-error')")
    assert browser.evaluate("document.getElementById('fit').checked")
    click(browser, "fit")
    browser.until(IS_EXPLAINED)
    assert browser.evaluate("document.getElementById('uploaded-image').hidden")


def test_camera_is_on_only_while_its_dialog_is_open(browser: Browser, server: FakeServer) -> None:
    """A photo is cropped to the input shape, and the camera is off afterwards; a denied permission shows a message."""
    open_page(browser, server.address)
    click(browser, "open-camera")
    browser.until(
        "document.getElementById('viewfinder').videoWidth && !document.getElementById('take-photo').disabled"
    )
    browser.evaluate("void (window.track = document.getElementById('viewfinder').srcObject.getTracks()[0])")
    click(browser, "take-photo")
    browser.until("!document.getElementById('uploaded-image').hidden")
    assert browser.evaluate("window.track.readyState") == "ended"
    assert browser.evaluate(
        "document.getElementById('uploaded-image').decode().then(() => ['naturalWidth', 'naturalHeight']"
        ".map(side => document.getElementById('uploaded-image')[side])).then(([a, b]) => a === b && a > 100)"
    )
    click(browser, "open-camera")
    browser.until("document.getElementById('camera').open")
    browser.press("Escape")
    browser.until("!document.getElementById('viewfinder').srcObject")
    browser.evaluate(
        "void (navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError'); })"
    )
    click(browser, "open-camera")
    browser.until("document.querySelector('.is-error')")
    assert "permission was denied" in error_banner(browser)
    assert browser.complaints == []


def test_touch_targets_are_large(browser: Browser, server: FakeServer) -> None:
    """On a touch screen every control is at least 44 pixels high and wide."""
    server.model = make_model(corrections_folder="/corrections")
    browser.ask("Emulation.setTouchEmulationEnabled", enabled=True)
    try:
        open_page(browser, server.address, 375)
        assert browser.evaluate("matchMedia('(pointer: coarse)').matches")
        draw(browser)
        browser.until(IS_EXPLAINED)
        too_small = browser.evaluate(
            "[...document.querySelectorAll('button, select, summary, label, .model a')]"
            ".map(element => [element.id || element.textContent, element.getBoundingClientRect()])"
            ".filter(([, box]) => box.width > 1 && Math.min(box.width, box.height) < 44)"
            ".map(([name]) => name)"
        )
        assert too_small == []
    finally:
        browser.ask("Emulation.setTouchEmulationEnabled", enabled=False)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_fits_a_phone(browser: Browser, server: FakeServer, scheme: str) -> None:
    """At 375 pixels the page does not scroll sideways, with long names and open details; every image has a text."""
    long_name = "a_class_whose_name_is_one_long_word_without_any_spaces_in_it"
    server.model = make_model(
        class_names=[long_name, *CLASSES],
        corrections_folder="/home/user/with/a/long/path/to/the/corrections/of/this",
    )
    server.prediction = make_prediction([0.6, 0.4], label=long_name, label_set=[long_name, "cat"])
    server.prediction["top"][0]["label"] = long_name
    browser.show(server.address, width=375, scheme="dark" if scheme == "dark" else "light")
    browser.until("document.title.endsWith(' · optotype')")
    draw(browser)
    browser.until(IS_EXPLAINED)
    browser.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    server.errors.append((422, f"The image {long_name} cannot be read.", 0))
    upload(browser, encode_photo(), "drop")
    browser.until("document.querySelector('.is-error')")
    assert browser.evaluate("document.documentElement.scrollWidth") <= 375
    assert browser.evaluate(
        "[...document.images].every(image => image.hidden || image.alt || image.closest('button[aria-label]'))"
    )
