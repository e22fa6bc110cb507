"""Deeply nested, huge, ragged and invalid JSON."""

import base64
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.web.hostile.requests import GOOD, PATHS, as_json, assert_rejected, post
from tests.web.samples import encode_image


@pytest.mark.parametrize("depth", [3, 33, 64, 65, 100, 199, 250, 100_000])
@pytest.mark.parametrize("path", PATHS)
def test_deeply_nested_json_is_rejected(client: TestClient, depth: int, path: str) -> None:
    """Nested lists of any depth get an error message, closed or not."""
    start = b'{"images": [' + b"[" * depth
    assert_rejected(post(client, start + b"0" + b"]" * (depth + 1) + b"}", "application/json", path), 422)
    assert_rejected(post(client, start, "application/json", path), 422, "JSON")
    assert_rejected(
        post(client, b'{"dtype": ' + b'{"a": ' * min(depth, 50_000), "application/json", path), 422, "JSON"
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
def test_numbers_out_of_range_are_rejected(client: TestClient, number: str, dtype: str) -> None:
    """A number outside a pixel's range is rejected for both dtypes in every notation; 0.5 is valid for float32."""
    pixels = ", ".join([number] + ["0"] * 783)
    body = f'{{"images": [[{pixels}]], "dtype": "{dtype}"}}'.encode()
    response = post(client, body, "application/json")
    assert response.status_code == (200 if (number, dtype) == ("0.5", "float32") else 422), response.text


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
def test_invalid_lists_are_rejected(client: TestClient, value: Any) -> None:
    """Empty, ragged and wrongly nested lists and values that are not numbers get an error message."""
    assert_rejected(post(client, as_json(value), "application/json"), 422)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
ANY_JSON = st.recursive(
    SCALARS, lambda values: st.lists(values) | st.dictionaries(st.text(max_size=8), values), max_leaves=20
)


@settings(max_examples=150)
@example(value=0, dtype="uint8")
@example(value=256, dtype="uint8")
@example(value=True, dtype="uint8")
@given(value=ANY_JSON, dtype=ANY_JSON | st.sampled_from(["uint8", "float32"]))
def test_any_json_gets_a_response(client: TestClient, value: Any, dtype: Any) -> None:
    """Any JSON as images, as dtype or as the whole body gets an error message."""
    for body in ({"images": value, "dtype": dtype}, {"images": [value]}, value):
        assert_rejected(post(client, json.dumps(body).encode(), "application/json"), 422)
    response = post(client, json.dumps({"images": [[value] * 784]}).encode(), "application/json")
    # Only 784 values that are bytes are a valid image.
    assert response.status_code == (200 if type(value) is int and 0 <= value <= 255 else 422)


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
def test_json_with_too_many_values_is_rejected(client: TestClient, body: bytes) -> None:
    """JSON that would need hundreds of megabytes, or has too many images, gives 413."""
    assert_rejected(post(client, body, "application/json"), 413, "at most")


def test_maximum_number_of_images_fits_in_json(client: TestClient) -> None:
    """1024 images in nested lists are accepted: they are below the limit on values."""
    response = post(client, as_json(np.zeros((1024, 28, 28), np.uint8).tolist()), "application/json")
    assert len(response.json()["predictions"]) == 1024


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b"0", b"\xff\xfe{\0}\0", b"\xef\xbb\xbf{}", b'{"images": ["\\ud800"]}'],
)
def test_json_that_is_not_an_object_is_rejected(client: TestClient, body: bytes) -> None:
    """Malformed JSON, JSON in another encoding, and JSON that is not an object are rejected."""
    assert_rejected(post(client, body, "application/json"), 422)


def test_long_names_get_short_messages(client: TestClient) -> None:
    """The error message is short, whatever the length of the names that the client sent."""
    for body in ({"a" * 10**6: 0}, {"images": ["a"], "b" * 10**6: 0}, {"images": [], "dtype": "c" * 10**6}):
        assert_rejected(post(client, json.dumps(body).encode(), "application/json"), 422)


def test_only_standard_base64_is_accepted(client: TestClient) -> None:
    """Base64 with blanks, of the URL-safe alphabet or truncated is rejected; plain or in a data URI it is read."""
    file = encode_image(np.full((28, 28, 1), 251, np.uint8))
    text = base64.b64encode(file + b"\xff" * 6).decode()
    for valid in (text, f"data:image/png;base64,{text}"):
        assert post(client, as_json([valid]), "application/json").status_code == 200
    invalid_texts = [
        f"{text[:40]}\n{text[40:]}",
        f" {text}",
        base64.urlsafe_b64encode(file + b"\xff" * 6).decode(),
        text[:-1],
        f"http:image/png;base64,{text}",
        f"data:image/png,{text}",
        "\u00e9" * 8,
        "====",
        "\0",
    ]
    for invalid in invalid_texts:
        assert_rejected(post(client, as_json([invalid]), "application/json"), 422, "Base64")
    for text_of_no_image in ("", "AAAA", text[:40]):
        assert_rejected(post(client, as_json([text_of_no_image]), "application/json"), 422, "Image 0")
