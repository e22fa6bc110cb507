"""JSON that is deep, huge, ragged, or no images at all."""

import base64
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.web.hostile.sending import GOOD, PATHS, as_json, refused, sent
from tests.web.samples import as_file


@pytest.mark.parametrize("depth", [3, 33, 64, 65, 100, 199, 250, 100_000])
@pytest.mark.parametrize("path", PATHS)
def test_deep_json_is_refused(client: TestClient, depth: int, path: str) -> None:
    """However deep lists are nested, the answer is a sentence, whether they are closed or not."""
    opened = b'{"images": [' + b"[" * depth
    refused(sent(client, opened + b"0" + b"]" * (depth + 1) + b"}", "application/json", path), 422)
    refused(sent(client, opened, "application/json", path), 422, "JSON")
    refused(
        sent(client, b'{"dtype": ' + b'{"a": ' * min(depth, 50_000), "application/json", path), 422, "JSON"
    )


@pytest.mark.parametrize(
    "number",
    [
        "1" + "0" * 400,
        "9" * 5000,
        "1e400",
        "-1e400",
        "1e308",
        "NaN",
        "Infinity",
        "-Infinity",
        "256",
        "-1",
        "0.5",
        "1e2",
    ],
)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_numbers_beyond_the_range_are_refused(client: TestClient, number: str, dtype: str) -> None:
    """A number that no pixel can have is refused for either dtype, however it is written; 0.5 is one of float32's."""
    listed = ", ".join([number] + ["0"] * 783)
    body = f'{{"images": [[{listed}]], "dtype": "{dtype}"}}'.encode()
    answer = sent(client, body, "application/json")
    assert answer.status_code == (200 if (number, dtype) == ("0.5", "float32") else 422), answer.text


@pytest.mark.parametrize(
    "value",
    [
        [],
        [[]],
        [[[]]],
        [[[0] * 28] * 27 + [[0] * 27]],
        [[[0] * 28] * 28, [0] * 783],
        [[True] * 784],
        [[None] * 784],
        [["0"] * 784],
        [[{}] * 784],
        [[[0] * 28] * 27 + [0]],
        [[[[0, 0]] * 28] * 28],
        [0],
        [None],
        [{"a": 1}],
        "abc",
        None,
        {"0": [0]},
        [[0] * 784, base64.b64encode(GOOD).decode()[:-5]],
        [[0.0] * 784],
    ],
    ids=lambda value: json.dumps(value)[:20],
)
def test_lists_of_another_form_are_refused(client: TestClient, value: Any) -> None:
    """Empty, ragged and wrongly nested lists, and what is no number, are refused in a sentence."""
    refused(sent(client, as_json(value), "application/json"), 422)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
ANYTHING = st.recursive(
    SCALARS, lambda each: st.lists(each) | st.dictionaries(st.text(max_size=8), each), max_leaves=20
)


@settings(max_examples=150)
@example(value=0, dtype="uint8")
@example(value=256, dtype="uint8")
@example(value=True, dtype="uint8")
@given(value=ANYTHING, dtype=ANYTHING | st.sampled_from(["uint8", "float32"]))
def test_any_json_is_answered(client: TestClient, value: Any, dtype: Any) -> None:
    """Whatever JSON is sent as images and dtype, or as the whole body, it is answered in a sentence."""
    for body in ({"images": value, "dtype": dtype}, {"images": [value]}, value):
        refused(sent(client, json.dumps(body).encode(), "application/json"), 422)
    answer = sent(client, json.dumps({"images": [[value] * 784]}).encode(), "application/json")
    # 784 times a byte is an image, the only one among them.
    assert answer.status_code == (200 if type(value) is int and 0 <= value <= 255 else 422)


@pytest.mark.parametrize(
    "body",
    [
        b'{"images": [' + b"[]," * 500_000 + b"[]]}",
        b'{"images": [[' + b"[0]," * 500_000 + b"[0]]]}",
        b'{"images": [[' + b"0," * 1_000_000 + b"0]]}",
        b'{"images": [], ' + b",".join(b'"%d":0' % i for i in range(100_000)) + b"}",
        b'{"images": [' + b'"",' * 4000 + b'""]}',
    ],
    ids=["empty lists", "lists of one", "numbers", "names", "strings"],
)
def test_json_of_very_many_values_is_refused(client: TestClient, body: bytes) -> None:
    """JSON that would become hundreds of megabytes, or more images than are taken, is refused for their number."""
    refused(sent(client, body, "application/json"), 413, "expected at most")


def test_as_many_images_as_are_taken_fit_in_json(client: TestClient) -> None:
    """1024 images in nested lists are answered: the limit on values is not in their way."""
    answer = sent(client, as_json(np.zeros((1024, 28, 28), np.uint8).tolist()), "application/json")
    assert len(answer.json()["predictions"]) == 1024


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b"0", b"\xff\xfe{\0}\0", b"\xef\xbb\xbf{}", b'{"images": ["\\ud800"]}'],
)
def test_what_is_no_object_is_refused(client: TestClient, body: bytes) -> None:
    """JSON that is broken, in another encoding, or no object, is refused."""
    refused(sent(client, body, "application/json"), 422)


def test_long_names_are_told_shortly(client: TestClient) -> None:
    """What is wrong is told in a short sentence, however long the names are that the client made up."""
    for body in ({"a" * 10**6: 0}, {"images": ["a"], "b" * 10**6: 0}, {"images": [], "dtype": "c" * 10**6}):
        refused(sent(client, json.dumps(body).encode(), "application/json"), 422)


def test_base64_is_taken_as_it_is_written_only(client: TestClient) -> None:
    """Base64 with blanks, of the other alphabet or cut off is refused; plain, or in a data address, it is read."""
    good = as_file(np.full((28, 28, 1), 251, np.uint8))
    text = base64.b64encode(good + b"\xff" * 6).decode()
    for each in (text, f"data:image/png;base64,{text}"):
        assert sent(client, as_json([each]), "application/json").status_code == 200
    spoilt = [
        f"{text[:40]}\n{text[40:]}",
        f" {text}",
        base64.urlsafe_b64encode(good + b"\xff" * 6).decode(),
        text[:-1],
        f"http:image/png;base64,{text}",
        f"data:image/png,{text}",
        "\u00e9" * 8,
        "====",
        "\0",
    ]
    for each in spoilt:
        refused(sent(client, as_json([each]), "application/json"), 422, "Base64")
    for each in ("", "AAAA", text[:40]):
        refused(sent(client, as_json([each]), "application/json"), 422, "Image 0")
